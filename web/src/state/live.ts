import type { Card, CardMessage, ChatKept } from "../api/cards";
import type { NobodyCame } from "../api/moves";
import type { Call, EventName, Offer, Snapshot, StreamEvent, Talkgroup, TransferTarget } from "../api/types";

/** What the server has told this position: the newest snapshot with every event since applied. */
export interface Live extends Omit<Snapshot, "type" | "now_ms"> {
  /** Server clock minus ours, so that ages are right on a machine whose clock is not. */
  clock_offset_ms: number;
  /** Somebody was asked for and nobody came: until the next is asked, or the call is over. */
  nobody_came: NobodyCame | null;
  /** Chats that a colleague did not take, by contact: until another is asked, or the chat is gone. */
  kept: Readonly<Record<string, ChatKept>>;
  /** The call that ended last, kept for the wrap-up card. */
  ended: Ended | null;
  /** What queues are called, by id. One that is taken away keeps its names here, since calls of it may still be there. */
  queue_names: Readonly<Record<string, QueueNames>>;
  /** Grows each time the list of recent calls changed. */
  recent_version: number;
}

export interface QueueNames {
  nb: string;
  en: string;
}

export interface Ended {
  call: Call;
  cause: string;
  text_nb: string;
  text_en: string;
  at_ms: number;
}

/** Whether it was a call out that nobody answered: its outcome stays on the screen until something else is there. */
export function cameToNothing(ended: Ended | null): boolean {
  return ended !== null && ended.call.direction === "out" && ended.call.state === "connecting";
}

/** Why an operator is out of a call that others have, or will have: nobody hung up. */
const GOES_ON: ReadonlySet<string> = new Set([
  "parked",
  "transfer",
  "handed-on",
  "handed-over",
  "taken-over",
  "left",
  "dropped",
  "over",
  "media-lost",
]);

/** Whether the call that left this operator is not over. */
export function goesOn(ended: Ended): boolean {
  return GOES_ON.has(ended.cause);
}

/** The next state, or why there is none: `gap` events were missed, `stale` this one was seen before. */
export type Step = { kind: "state"; live: Live } | { kind: "gap" } | { kind: "stale" };

/** Starts anew from a snapshot, keeping what only this page knows of the same seat. */
export function fromSnapshot(snapshot: Snapshot, ourNowMs: number, before: Live | null): Live {
  const { type: _type, now_ms, ...rest } = snapshot;
  return {
    ...rest,
    clock_offset_ms: now_ms - ourNowMs,
    ended: before?.ended ?? null,
    queue_names: namesOf(rest.transfer_targets, before?.queue_names),
    nobody_came: before?.nobody_came?.contact === rest.call?.contact ? (before?.nobody_came ?? null) : null,
    kept: Object.fromEntries(
      Object.entries(before?.kept ?? {}).filter(([id]) => rest.cards.some((c) => c.contact === id)),
    ),
    recent_version: (before?.recent_version ?? 0) + 1,
  };
}

/** The server resumed the stream where we were; anything else is a gap. */
export function isResumable(live: Live | null, seq: number): boolean {
  return live !== null && seq === live.seq;
}

/** Applies one event. Names this console does not know count in the sequence and change nothing else. */
export function step(live: Live, event: StreamEvent, nowMs: number): Step {
  if (event.seq <= live.seq) return { kind: "stale" };
  if (event.seq !== live.seq + 1) return { kind: "gap" };
  return { kind: "state", live: { ...live, ...changes(live, event, nowMs), seq: event.seq } };
}

function changes(live: Live, event: StreamEvent, nowMs: number): Partial<Live> {
  switch (event.type) {
    case "offer":
      return { offer: event.data };
    case "offer.withdrawn":
      return sameOffer(live.offer, event.data) ? { offer: null } : {};
    case "call":
      return {
        call: event.data,
        offer: live.offer?.contact === event.data.contact ? null : live.offer,
        ended: null,
        nobody_came: stillTold(live.nobody_came, event.data),
      };
    case "consult.nobody":
      return { nobody_came: event.data };
    case "call.ended":
      if (live.call?.contact !== event.data.contact) return {};
      return {
        call: null,
        nobody_came: null,
        ended: {
          call: live.call,
          cause: event.data.cause,
          text_nb: event.data.text_nb,
          text_en: event.data.text_en,
          at_ms: nowMs + live.clock_offset_ms,
        },
      };
    case "card":
      return {
        cards: replacedCard(live.cards, event.data),
        offer: live.offer?.contact === event.data.contact ? null : live.offer,
        kept: event.data.handing ? without(live.kept, event.data.contact) : live.kept,
      };
    case "chat.kept":
      return { kept: { ...live.kept, [event.data.contact]: event.data } };
    case "reading":
      return { reading: event.data.card ? event.data : null };
    case "card.message":
      return {
        cards: live.cards.map((card) => withMessage(card, event.data)),
        reading: live.reading?.card
          ? { ...live.reading, card: withMessage(live.reading.card, event.data) }
          : live.reading,
      };
    case "card.ended":
      return {
        cards: live.cards.filter((card) => card.contact !== event.data.contact),
        kept: without(live.kept, event.data.contact),
      };
    case "me":
      return { me: event.data, ended: event.data.state === "idle" && !cameToNothing(live.ended) ? null : live.ended };
    case "queues":
      return { queues: event.data };
    case "waiting":
      return { waiting: event.data };
    case "operators":
      return { operators: event.data };
    case "handed_over":
      return { handed_over: event.data };
    case "abandoned":
      return { abandoned: event.data };
    case "talkgroup":
      return { talkgroups: replaced(live.talkgroups, event.data) };
    case "media":
      return { media: { ...live.media, ...event.data } };
    case "notice":
      return { notices: [...live.notices.filter((n) => n.id !== event.data.id), event.data].slice(-MAX_NOTICES) };
    case "notice.cleared":
      return { notices: live.notices.filter((n) => n.id !== event.data.id) };
    case "recent":
      return { recent_version: live.recent_version + 1 };
    case "phone":
      return { phone: event.data };
    case "staff":
      return { staff: event.data };
    case "loans":
      return { loans: event.data };
    case "rooms":
      return { rooms: event.data };
    case "skills":
      return { skills: event.data };
    case "transfer_targets":
      return { transfer_targets: event.data, queue_names: namesOf(event.data, live.queue_names) };
    case "surges":
      return { surges: event.data };
    case "parked":
      return { parked: event.data };
    case "flags":
      return { flags: event.data };
    case "media.reset":
    case "seat.lost":
      return {}; // orders to the page, not state; the controller carries them out
    default:
      return {};
  }
}

/** That nobody came is told until somebody else is asked. */
function stillTold(told: NobodyCame | null, call: Call): NobodyCame | null {
  const asked = call.search !== null || call.colleagues.some((one) => one.part === "consult");
  return told?.contact === call.contact && !asked ? told : null;
}

const MAX_NOTICES = 50;

/** Every event name handled above; a test goes through them. */
export const EVENT_NAMES: readonly EventName[] = [
  "offer",
  "offer.withdrawn",
  "call",
  "call.ended",
  "consult.nobody",
  "card",
  "card.message",
  "card.ended",
  "chat.kept",
  "reading",
  "me",
  "queues",
  "waiting",
  "operators",
  "handed_over",
  "abandoned",
  "staff",
  "loans",
  "rooms",
  "skills",
  "transfer_targets",
  "surges",
  "parked",
  "flags",
  "talkgroup",
  "media",
  "media.reset",
  "seat.lost",
  "notice",
  "notice.cleared",
  "recent",
  "phone",
];

function namesOf(targets: readonly TransferTarget[], known: Live["queue_names"] = {}): Live["queue_names"] {
  return { ...known, ...Object.fromEntries(targets.map((row) => [row.queue, { nb: row.name, en: row.name_en }])) };
}

function sameOffer(offer: Offer | null, gone: { contact: string; epoch: number }): boolean {
  return offer !== null && offer.contact === gone.contact && offer.epoch === gone.epoch;
}

function replacedCard(cards: Card[], card: Card): Card[] {
  const known = cards.some((one) => one.contact === card.contact);
  return known ? cards.map((one) => (one.contact === card.contact ? card : one)) : [...cards, card];
}

function without(kept: Live["kept"], contact: string): Live["kept"] {
  if (!(contact in kept)) return kept;
  const { [contact]: _gone, ...rest } = kept;
  return rest;
}

/** A message may come twice: alone, and in the whole card. */
function withMessage(card: Card, message: CardMessage): Card {
  if (card.contact !== message.contact || card.messages.some((one) => one.number === message.number)) return card;
  return { ...card, messages: [...card.messages, message] };
}

function replaced(groups: Talkgroup[], group: Talkgroup): Talkgroup[] {
  const known = groups.some((g) => g.gssi === group.gssi);
  return known ? groups.map((g) => (g.gssi === group.gssi ? group : g)) : [...groups, group];
}
