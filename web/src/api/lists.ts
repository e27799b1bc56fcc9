/** What every console shows beside the call: queues, those who wait, operators, talkgroups, and oneself. */

import type { ContactKind, KeyPressed } from "./cards";
import type { Forced, HandOver, OnLoan } from "./staff";
import type { Activity, ContactClass, Floor, OperatorState } from "./words";

export interface Service {
  service: string;
  label: string;
  number: string;
}

export interface Queue {
  queue: string;
  name: string;
  class: ContactClass;
  waiting: number;
  longest_since_ms: number | null;
  available: number;
  /** Likely incidents that callers of this queue belong to. */
  incidents: string[];
  /** Of somebody on loan: the borrowing room, where the own one does not have the row. */
  of_room: string | null;
  /** What its rules ask for, and the level. */
  skills: Record<string, number>;
}

export interface Waiting {
  contact: string;
  queue: string;
  queue_name: string;
  class: ContactClass;
  caller: string;
  arrived_at_ms: number;
  state: "waiting" | "offered";
  /** Who passed it on; they can take it back until it is answered. */
  transferred_by: string | null;
  /** The same caller's calls, this one too. */
  calls: number;
  first_arrived_at_ms: number | null;
  flagged: boolean;
  incident: string | null;
  kind: ContactKind;
  /** What became of a radio's emergency key since it waits; null: nothing. */
  key_pressed: KeyPressed | null;
  /** Of somebody on loan: the borrowing room, where the own one does not have the row. */
  of_room: string | null;
}

export interface OperatorRow {
  operator: string;
  name: string;
  position: string | null;
  room: string | null;
  activity: Activity;
  state: OperatorState;
  since_ms: number;
  /** The call they have. */
  contact: string | null;
  /** Free, and kept for the room's own emergencies. */
  reserved: boolean;
  /** So many more chats they take, as they are now. */
  chat_room: number;
  /** Of somebody on loan: the borrowing room, where the own one does not have the row. */
  of_room: string | null;
}

export interface Talker {
  issi: number;
  alias: string;
  priority: number;
}

export interface Talkgroup {
  gssi: number;
  name: string;
  attached: "detached" | "attaching" | "attached";
  monitored: boolean;
  floor: Floor;
  talker: Talker | null;
  cause: string;
  /** Loudness of what is heard, 0 to 100. */
  level: number;
}

export interface Notice {
  id: string;
  level: "info" | "warning" | "alarm";
  code: string;
  text_nb: string;
  text_en: string;
  at_ms: number;
}

export interface Me {
  operator: string;
  name: string;
  position: string;
  room: string;
  activity: Activity;
  reason: string;
  state: OperatorState;
  since_ms: number;
  wrap_up_until_ms: number | null;
  wrap_up_extensions: number;
  /** By so much the paper work can still be extended. */
  wrap_up_extension_left_ms: number;
  /** Rooms whose shift lead this person is. */
  leads: string[];
  note: string;
  on_since_ms: number;
  activity_since_ms: number;
  /** Goes when the work at hand is done. */
  leaving: boolean;
  forced: Forced | null;
  hand_over: HandOver | null;
  loan: OnLoan | null;
  /** Chats this operator has, and may have: at once, and beside a call. */
  chats: number;
  chats_max: number;
  chats_in_call: number;
}

/** Every queue, told once: other objects name theirs in bokmål only. */
export interface TransferTarget {
  queue: string;
  name: string;
  name_en: string;
  room_name: string;
}

export interface MediaState {
  state: "none" | "up" | "down";
  generation: string;
}
