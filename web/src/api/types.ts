/**
 * The position API's objects and messages, as docs/integrators/position-api.md describes them. Times are UTC
 * milliseconds (`*_ms`). `tests/schema.test.ts` holds this file against the types generated from the server's OpenAPI.
 */

import type { Card, CardMessage, ContactKind, RecentMessage } from "./cards";
import type { Colleague, Flag, Incident, NumberFlag, Parked, Part, Repeat } from "./moves";
import type { Forced, HandOver, Loan, OnLoan, Reason, RoomRow, StaffRow } from "./staff";

export type ContactClass = "emergency" | "urgent" | "normal";
export type CallerSource = "p-asserted-identity" | "from" | "none";
export type Activity = "available" | "break" | "after-call-work";
export type OperatorState = "idle" | "offered" | "busy" | "wrap-up" | "unreachable";
export type Floor = "free" | "requested" | "queued" | "talking" | "denied" | "revoked";

export interface User {
  operator: string;
  name: string;
  roles: string[];
  skills: Record<string, number>;
  rooms: string[];
}

export type PhoneState = "unregistered" | "registered" | "silent" | "ringing" | "in-call";

/** The position's SIP phone. */
export interface Phone {
  device: string;
  /** It is the position's sound in place of the browser. */
  serves: boolean;
  state: PhoneState;
}

export interface Session {
  user: User;
  csrf: string;
}

export interface PositionRow {
  position: string;
  room: string;
  room_name: string;
  name: string;
  taken_by: string | null;
  /** How it is with the phone that belongs to the position, if one does. */
  phone: PhoneState | null;
}

export interface Seat {
  position: string;
  seat_epoch: number;
}

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
  /** A colleague asks: to talk with first, or to join their call. */
  purpose: "" | "consult" | "conference";
  invited_by: string | null;
  invited_by_name: string | null;
  kind: ContactKind;
  channel: string;
  /** An alarm's text, or the newest message of a chat. */
  text: string;
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
  state: "connecting" | "connected" | "held";
  location: CallLocation;
  details: Detail[];
  patch: Patch | null;
  video: CallVideo;
  recording: boolean;
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
  /** Calls of the same caller that this entry stands for. */
  calls: number;
}

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

export interface TransferTarget {
  queue: string;
  name: string;
  room_name: string;
}

export interface MediaState {
  state: "none" | "up" | "down";
  generation: string;
}

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
  surges: Incident[];
  parked: Parked[];
  flags: NumberFlag[];
  reasons: Reason[];
  staff: StaffRow[];
  loans: Loan[];
  rooms: RoomRow[];
  cards: Card[];
}

/** What each event of the stream carries. */
export interface EventData {
  offer: Offer;
  "offer.withdrawn": { contact: string; epoch: number; reason: string };
  call: Call;
  "call.ended": { contact: string; cause: string; text_nb: string; text_en: string };
  card: Card;
  "card.message": CardMessage;
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
  "seat.lost": { reason: "another-tab" | "taken-over" | "signed-out" | "forced" | "handed-over" };
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
  "colleague.drop": { contact: string; operator: string };
  "consult.complete": { contact: string };
  "consult.merge": { contact: string };
  "consult.swap": { contact: string };
  "contact.listen": { contact: string; whisper: boolean };
  "contact.take_over": { contact: string };
  "contact.silent": { contact: string; on: boolean };
  "number.flag": { number: string; mode: Flag["mode"]; reason: string; hours: number };
  "room.set": { room: string; state: RoomRow["state"]; reason: string };
  "number.unflag": { number: string };
}

export type CommandName = keyof Commands;

export interface Track {
  recording: string;
  label: "caller" | "operator" | "radio" | "party";
  started_at_ms: number;
  stored_ms: number;
  expected_ms: number;
  /** Null until the file is closed. */
  sha256: string | null;
}

export interface RecentParty {
  number: string;
  label: string;
  answered_at_ms: number | null;
  ended_at_ms: number | null;
  cause: string;
}

export interface RecentCall {
  contact: string;
  queue: string;
  queue_name: string;
  caller: string;
  arrived_at_ms: number;
  answered_at_ms: number | null;
  ended_at_ms: number | null;
  operator_name: string | null;
  cause: string;
  tracks: Track[];
  direction: "in" | "out";
  parties: RecentParty[];
  kind: ContactKind;
  text: string;
  messages: RecentMessage[];
}

export interface Lab {
  queues: { number: string; name: string }[];
  radios: LabRadio[];
  callers: LabCaller[];
  /** False when the simulators do not answer. */
  simulator: boolean;
}

export interface LabRadio {
  issi: number;
  alias: string;
  gssi?: number | null;
}

export interface LabCaller {
  id: string;
  number: string;
  caller: string;
  state: string;
}
