/** A call from its offer to its end, as its operator sees it. */

import type { CardMessage, ContactKind, KeyPressed } from "./cards";
import type { Colleague, Flag, Incident, Part, Repeat, Search } from "./moves";
import type { CallerSource, ContactClass, Floor } from "./words";

export interface Offer {
  contact: string;
  epoch: number;
  queue: string;
  queue_name: string;
  class: ContactClass;
  caller: string;
  caller_source: CallerSource;
  caller_name: string;
  /** The caller asked the network not to pass the number on. */
  caller_private: boolean;
  /** Numbers the call was meant for before, the newest first. */
  diverted_from: string[];
  arrived_at_ms: number;
  expires_at_ms: number;
  location_text: string;
  /** Answered a moment after a colleague: this one stays ready until that one is joined. */
  standby: boolean;
  repeat: Repeat | null;
  flag: Flag | null;
  incident: Incident | null;
  /** A colleague asks: to talk with first, to join their call, or to have their chat. */
  purpose: "" | "consult" | "conference" | "hand-on";
  invited_by: string | null;
  invited_by_name: string | null;
  /** Who had this call last; null: nobody has talked with the caller yet. */
  talked_with: string | null;
  kind: ContactKind;
  channel: string;
  /** An alarm's text, or the newest message of a chat. */
  text: string;
  /** Of a chat that a colleague hands on: what was written last. */
  messages: CardMessage[];
  /** Of a contact without a call. */
  area: string;
  /** What became of a radio's emergency key since it waits; null: nothing. */
  key_pressed: KeyPressed | null;
}

export interface CallLocation {
  text: string;
  latitude: number | null;
  longitude: number | null;
  radius_m: number | null;
  /** Why the location could not be read, empty when there is nothing wrong. */
  problem: string;
  /** The network's words for how and when it was found. */
  method: string;
  measured: string;
  /** More is being fetched. */
  pending: boolean;
  /** A line for each, where there are several. */
  all: string[];
}

/** A line about the call: "provider", "subscriber", "comment" ... */
export interface Detail {
  label: string;
  text: string;
}

export interface Patch {
  patch: string;
  gssi: number;
  name: string;
  state: "requested" | "active" | "removed" | "refused";
  floor: Floor;
}

export interface CallVideo {
  state: "none" | "invited" | "live";
  url: string | null;
  link_expires_ms: number | null;
}

export interface Party {
  party: string;
  number: string;
  label: string;
  state: "dialing" | "ringing" | "early" | "answered" | "ended";
  /** Only the operator talks with them. */
  private: boolean;
  since_ms: number;
  cause: string;
  text_nb: string;
  text_en: string;
}

export interface Referral {
  number: string;
  state: "asked" | "trying" | "failed";
}

export type TrackLabel = "caller" | "operator" | "radio" | "party";

/** Why something is on no disk. */
export type GapCode = "full" | "slow" | "disk" | "refused" | "away";

/** Of these legs nothing is stored since then; it is tried again until it works. */
export interface RecordingGap {
  since_ms: number;
  code: GapCode;
  labels: TrackLabel[];
}

export interface Call {
  contact: string;
  epoch: number;
  queue: string;
  queue_name: string;
  class: ContactClass;
  caller: string;
  caller_source: CallerSource;
  caller_name: string;
  caller_private: boolean;
  diverted_from: string[];
  arrived_at_ms: number;
  answered_at_ms: number | null;
  /** When the first operator answered. */
  first_answered_at_ms: number | null;
  state: "connecting" | "connected" | "held";
  location: CallLocation;
  details: Detail[];
  patch: Patch | null;
  video: CallVideo;
  /** All of it is being stored. */
  recording: boolean;
  recording_gap: RecordingGap | null;
  direction: "in" | "out";
  display: string;
  /** How it stands with the one at the other end; "gone" while other parties talk on. */
  far_end: "dialing" | "ringing" | "early" | "answered" | "gone";
  parties: Party[];
  referral: Referral | null;
  /** The carrier could be asked to take the call elsewhere. */
  can_refer: boolean;
  repeat: Repeat | null;
  flag: Flag | null;
  incident: Incident | null;
  /** Whether the caller has spoken: "hint" after a while without a word, "marked" by somebody as a silent call. */
  silence: "" | "listening" | "spoke" | "hint" | "marked";
  silent_procedure: { nb: string; en: string };
  /** What this operator is in the call. */
  part: Part;
  holder: string | null;
  holder_name: string;
  /** The holder talks with a colleague, or could change to them. */
  consulting: boolean;
  /** Somebody of a queue or a room is asked for, one after the other. */
  search: Search | null;
  colleagues: Colleague[];
}

/** A call that goes on without an operator; any operator of its queue can pull it back. */
export interface HandedOver {
  contact: string;
  queue: string;
  queue_name: string;
  class: ContactClass;
  caller: string;
  since_ms: number;
  operator: string | null;
  operator_name: string | null;
  parties: Party[];
  /** Of somebody on loan: the borrowing room, where the own one does not have the row. */
  of_room: string | null;
}

/** A caller who left an emergency queue before anybody answered. */
export interface Abandoned {
  contact: string;
  queue: string;
  queue_name: string;
  class: ContactClass;
  number: string;
  arrived_at_ms: number;
  ended_at_ms: number;
  waited_ms: number;
  attempts: number;
  claimed_by: string | null;
  claimed_by_name: string | null;
  claimed_at_ms: number | null;
  /** The call-back was answered then; null while it rings. */
  talking_since_ms: number | null;
  /** Calls of the same caller that this entry stands for. */
  calls: number;
  /** Of somebody on loan: the borrowing room, where the own one does not have the row. */
  of_room: string | null;
}
