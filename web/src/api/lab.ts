/** What the lab panel is made of. */

export interface Lab {
  queues: { number: string; queue: string; name: string }[];
  /** What can be brought besides calls, and to which queue. */
  brings: { kind: "chat" | "alarm"; queue: string; name: string }[];
  radios: LabRadio[];
  callers: LabCaller[];
  /** False when the simulators do not answer. */
  simulator: boolean;
}

export interface LabRadio {
  issi: number;
  alias: string;
  gssi?: number | null;
  /** An alarm of it that is up: raised, or had by an operator. */
  emergency: "" | "raised" | "acked";
}

export interface LabCaller {
  id: string;
  number: string;
  caller: string;
  state: string;
}
