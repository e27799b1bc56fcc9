/** Calls that are over, with their recordings. */

import type { ContactKind, RecentMessage } from "./cards";

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
