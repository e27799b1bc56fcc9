import type { Card } from "../api/cards";
import type { Offer } from "../api/types";
import type { useLanguage } from "../i18n/language";
import { phone } from "./format";

/** What a chat's last word is: the citizen's, who waits for an answer since then, or null. */
export function unansweredSince(card: Card): number | null {
  const last = card.messages.at(-1);
  return card.kind === "chat" && last?.by === "outside" ? last.at_ms : null;
}

/** So long a citizen may wait for an answer before it is coloured. */
export const ANSWER_LATE_MS = 60_000;

/** The chat whose citizen has waited longest for an answer, else the first; `after` it, where that one has the focus. */
export function nextToAnswer(cards: readonly Card[], after: string | null): string | null {
  const chats = cards.filter((card) => card.kind === "chat");
  const waits = chats
    .filter((card) => unansweredSince(card) !== null && card.contact !== after)
    .sort((a, b) => (unansweredSince(a) ?? 0) - (unansweredSince(b) ?? 0));
  const at = chats.findIndex((card) => card.contact === after);
  return (waits[0] ?? chats[(at + 1) % chats.length])?.contact ?? null;
}

/** The alarm or radio emergency that takes the operator whole, if there is one. */
export function wholeCard(cards: readonly Card[]): Card | null {
  return cards.find((card) => card.kind !== "chat") ?? null;
}

/** Whether the offer is of a chat, which comes beside what the operator does. */
export function isLight(offer: Offer | null): offer is Offer {
  return offer !== null && offer.kind === "chat";
}

/** Who writes, as far as it is known. */
export function citizenOf(of: { caller: string; caller_name: string }, t: ReturnType<typeof useLanguage>["t"]): string {
  return of.caller_name || (of.caller ? phone(of.caller) : t("caller.unknown"));
}

/** The chat that the key hands on: the only one; of several none, since a slip would give away another's. */
export function toHandOn(cards: readonly Card[]): Card | null {
  const [first, ...more] = cards.filter((card) => card.kind === "chat");
  return first && more.length === 0 && !first.handing ? first : null;
}
