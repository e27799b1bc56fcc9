/** The messages of the event stream, and the arguments of every command. */

import type { Abandoned, Call, HandedOver, Offer } from "./calls";
import type { Card, CardMessage, ChatKept, Reading } from "./cards";
import type { Me, MediaState, Notice, OperatorRow, Queue, Service, Talkgroup, TransferTarget, Waiting } from "./lists";
import type { Flag, Incident, NobodyCame, NumberFlag, Parked } from "./moves";
import type { Phone } from "./session";
import type { Forced, Loan, Reason, RoomRow, Skill, StaffRow } from "./staff";
import type { Activity } from "./words";

export interface Snapshot {
  type: "snapshot";
  seq: number;
  now_ms: number;
  server: { name: string; version: string; lab: boolean };
  me: Me;
  offer: Offer | null;
  call: Call | null;
  queues: Queue[];
  waiting: Waiting[];
  operators: OperatorRow[];
  talkgroups: Talkgroup[];
  transfer_targets: TransferTarget[];
  media: MediaState;
  notices: Notice[];
  handed_over: HandedOver[];
  abandoned: Abandoned[];
  services: Service[];
  phone: Phone | null;
  /** Likely incidents: many calls from one place. */
  surges: Incident[];
  /** Calls in the room's slots. */
  parked: Parked[];
  flags: NumberFlag[];
  reasons: Reason[];
  /** The catalogue; empty where any word is a skill. */
  skills: Skill[];
  staff: StaffRow[];
  loans: Loan[];
  rooms: RoomRow[];
  /** Chats, alarms and radios' emergencies at this position. */
  cards: Card[];
  /** The chat that this shift lead looks into. */
  reading: Reading | null;
}

/** What each event of the stream carries. */
export interface EventData {
  offer: Offer;
  "offer.withdrawn": { contact: string; epoch: number; reason: string };
  call: Call;
  "call.ended": { contact: string; cause: string; text_nb: string; text_en: string };
  card: Card;
  "consult.nobody": NobodyCame;
  "card.message": CardMessage;
  "chat.kept": ChatKept;
  reading: Reading;
  "card.ended": { contact: string; cause: string; text_nb: string; text_en: string };
  me: Me;
  queues: Queue[];
  waiting: Waiting[];
  operators: OperatorRow[];
  handed_over: HandedOver[];
  abandoned: Abandoned[];
  talkgroup: Talkgroup;
  media: { state: MediaState["state"] };
  "media.reset": { reason: string };
  "seat.lost": { reason: "another-tab" | "taken-over" | "signed-out" | "forced" | "handed-over" | "moved" };
  notice: Notice;
  "notice.cleared": { id: string };
  recent: Record<string, never>;
  phone: Phone;
  staff: StaffRow[];
  loans: Loan[];
  surges: Incident[];
  parked: Parked[];
  flags: NumberFlag[];
  rooms: RoomRow[];
  skills: Skill[];
  transfer_targets: TransferTarget[];
}

export type EventName = keyof EventData;
export type StreamEvent = { [N in EventName]: { type: N; seq: number; data: EventData[N] } }[EventName];

export interface Reply {
  type: "reply";
  id: string;
  ok: boolean;
  result?: CommandResult | null;
  code?: string | null;
  message?: string | null;
}

/** How it went with one service of `contact.conference`. */
export interface ServiceResult {
  service: string;
  party: string | null;
  code: string;
  message: string;
}

export type CommandResult = Record<string, Scalar | ServiceResult[]>;

export type Scalar = string | number | boolean | null;

export type ServerMessage =
  | Snapshot
  | { type: "resumed"; seq: number }
  | { type: "ping" }
  | { type: "error"; code: string; message: string }
  | Reply
  | StreamEvent;

/** Every command's arguments. */
export interface Commands {
  "activity.set": { activity: Activity; reason: string; note: string };
  "contact.accept": { contact: string; epoch: number };
  "contact.reject": { contact: string; epoch: number };
  "contact.hangup": { contact: string };
  "contact.hold": { contact: string; on: boolean };
  "contact.transfer": { contact: string; queue: string };
  "contact.say": { contact: string; text: string; key: string };
  "contact.patch": { contact: string; gssi: number; confirmed: boolean; owner_ok: boolean };
  "contact.unpatch": { contact: string };
  "patch.talk": { contact: string; on: boolean };
  "wrapup.done": Record<string, never>;
  "wrapup.extend": { seconds: number };
  "staff.force": { operator: string; to: Forced["to"]; reason: string; note: string };
  "handover.cancel": Record<string, never>;
  "handover.now": Record<string, never>;
  "loan.ask": {
    room: string;
    lender: string;
    count: number;
    operators: string[];
    queues: string[];
    skills: Record<string, number>;
    minutes: number;
    note: string;
  };
  "loan.agree": { loan: string; operators: string[]; own_emergencies: boolean };
  "loan.answer": { loan: string; yes: boolean };
  "loan.end": { loan: string; operator: string | null };
  "talkgroup.monitor": { gssi: number; on: boolean };
  ptt: { gssi: number; on: boolean };
  "video.invite": { contact: string };
  "contact.dial": { number: string; display: string };
  "contact.callback": { contact: string };
  "party.add": { contact: string; number: string; private: boolean; label: string };
  "party.private": { contact: string; party: string; on: boolean };
  "party.drop": { contact: string; party: string };
  "contact.conference": { contact: string; services: string[] };
  "contact.leave": { contact: string };
  "contact.transfer_out": { contact: string; number: string };
  "contact.refer": { contact: string; number: string };
  "contact.pull_back": { contact: string };
  "position.phone": { on: boolean };
  "contact.dtmf": { contact: string; digits: string; party: string | null };
  "contact.park": { contact: string };
  "contact.unpark": { contact: string };
  "contact.transfer_operator": { contact: string; operator: string; back: boolean };
  "contact.transfer_room": { contact: string; room: string };
  "colleague.invite": { contact: string; operator: string; purpose: "consult" | "conference" };
  "contact.consult_queue": { contact: string; queue: string };
  "contact.consult_room": { contact: string; room: string };
  "colleague.drop": { contact: string; operator: string };
  "consult.complete": { contact: string };
  "consult.merge": { contact: string };
  "consult.swap": { contact: string };
  "contact.listen": { contact: string; whisper: boolean };
  "contact.take_over": { contact: string };
  "contact.read": { contact: string; on: boolean };
  "contact.silent": { contact: string; on: boolean };
  "number.flag": { number: string; mode: Flag["mode"]; reason: string; hours: number };
  "room.set": { room: string; state: RoomRow["state"]; reason: string };
  "number.unflag": { number: string };
}

export type CommandName = keyof Commands;
