/** Calls that are over, with their recordings. */

import type { GapCode, TrackLabel } from "./calls";
import type { ContactKind, RecentMessage } from "./cards";

export interface Track {
  recording: string;
  label: TrackLabel;
  /** Where the operator sat, of an operator's. */
  position: string | null;
  started_at_ms: number;
  stored_ms: number;
  expected_ms: number;
  /** Null until the file is closed. */
  sha256: string | null;
}

/** What of a leg is on no disk. */
export interface RecentGap {
  label: TrackLabel;
  from_ms: number;
  to_ms: number;
  code: GapCode;
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
  recording_gaps: RecentGap[];
}
