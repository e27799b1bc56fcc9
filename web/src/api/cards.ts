/** Contacts without a call, as docs/integrators/position-api.md describes them. */

import type { components } from "./schema";
import type { ContactClass } from "./words";

type Server = components["schemas"];

export type CardKind = "chat" | "alarm" | "radio";
export type ContactKind = "voice" | "video" | CardKind;

/** A message of a chat; numbers count from 1 within it, both ways. */
export interface CardMessage {
  contact: string;
  number: number;
  by: "outside" | "operator";
  /** Of the operator who wrote it. */
  name: string;
  text: string;
  at_ms: number;
}

/** A chat, an alarm or a radio's emergency that this operator has. */
export interface Card {
  contact: string;
  kind: CardKind;
  /** The way it came by, e.g. sms. */
  channel: string;
  queue: string;
  queue_name: string;
  class: ContactClass;
  caller: string;
  caller_name: string;
  area: string;
  language: string;
  text: string;
  /** Who brought it, and their name for it. */
  source: string;
  reference: string;
  arrived_at_ms: number;
  answered_at_ms: number | null;
  messages: CardMessage[];
  /** A chat in which nobody writes: since when, and when it ends by itself unless somebody does (null: it does not). */
  silent_since_ms: number | null;
  ends_at_ms: number | null;
  /** A colleague is asked for it, who has it as soon as they say yes. */
  handing: Handing | null;
  /** Shift leads who look into it. */
  readers: string[];
  /** What became of a radio's emergency key since; null: nothing. */
  key_pressed: KeyPressed | null;
}

export type KeyPressed = Server["KeyPressed"];
export type Handing = Server["Handing"];
/** A colleague who was asked for a chat does not take it: it is where it was. */
export type ChatKept = Server["ChatKept"];
export type StaffChat = Server["StaffChat"];

/** A chat that this shift lead looks into; without a card: no longer. */
export interface Reading {
  contact: string;
  card: Card | null;
  holder: string | null;
  holder_name: string;
  cause: string;
  text_nb: string;
  text_en: string;
}

/** What was written in a chat that is over. */
export interface RecentMessage {
  by: "outside" | "operator";
  name: string;
  text: string;
  at_ms: number;
}
