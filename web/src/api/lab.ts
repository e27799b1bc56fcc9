/** What the lab panel is made of. */

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
