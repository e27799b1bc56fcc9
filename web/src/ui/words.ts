import type { Call, CallerSource, Party, PhoneState } from "../api/types";
import { type Language, type Translate, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { phone } from "./format";
import { useLive } from "./hooks";

/** Words for things that several parts of the console show. */

/** Calls out that are about no queue are in a queue of their room's own, which has no name for people. */
const ROOM_QUEUE = "outgoing-";

export function isOfRoom(of: { queue: string }): boolean {
  return of.queue.startsWith(ROOM_QUEUE);
}

/** Whatever is of a queue. Its own word for it is in bokmål, and is all there is for a queue we were not told of. */
export interface OfQueue {
  queue: string;
  queue_name?: string;
  name?: string;
}

export type QueueTitle = (of: OfQueue) => string;

/** What a queue is called in the operator's language. */
export function useQueueTitle(): QueueTitle {
  const { language, t } = useLanguage();
  const { queue_names } = useLive();
  return (of) =>
    isOfRoom(of) ? t("call.outgoing") : queue_names[of.queue]?.[language] || of.queue_name || of.name || of.queue;
}

export function partyName(party: { label: string; number: string }): string {
  return party.label || phone(party.number);
}

/** Whether somebody is apart with the operator, and what the others hear meanwhile: each other, or music. */
export function apartFrom(call: Call): "far.without" | "far.music" | null {
  const talking = call.parties.filter((party) => party.state === "answered");
  if (!talking.some((party) => party.private)) return null;
  const others = talking.filter((party) => !party.private).length + (call.far_end === "answered" ? 1 : 0);
  return others >= 2 ? "far.without" : "far.music";
}

/** How it stands with a party; of one that has ended, why, in the operator's language. */
export function partyState(party: Party, language: Language, t: Translate, apart?: Word | null): string {
  if (party.state === "answered" && !party.private && apart) return t(apart);
  if (party.state !== "ended")
    return t(party.private && party.state === "answered" ? "party.private" : `far.${party.state}`);
  return causeText(party, language) || t("party.ended");
}

export function causeText(of: { text_nb: string; text_en: string }, language: Language): string {
  return language === "nb" ? of.text_nb : of.text_en;
}

/** How far a caller's number can be believed. */
export const TRUST: Record<CallerSource, "sure" | "stated" | "unknown"> = {
  "p-asserted-identity": "sure",
  from: "stated",
  none: "unknown",
};

/** A phone that could be rung now. */
export function isThere(state: PhoneState): boolean {
  return state === "registered" || state === "ringing" || state === "in-call";
}
