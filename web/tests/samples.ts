import type { Call, Me, Offer, Snapshot, Talkgroup } from "../src/api/types";

/** Invented objects of the API for tests; `NOW_MS` is when they were made. */
export const NOW_MS = 1_800_000_000_000;

export const me = (part: Partial<Me> = {}): Me => ({
  operator: "kari",
  name: "Kari Nordmann",
  position: "oslo-1",
  room: "oslo",
  activity: "available",
  reason: "",
  state: "idle",
  since_ms: NOW_MS,
  wrap_up_until_ms: null,
  ...part,
});

export const offer = (part: Partial<Offer> = {}): Offer => ({
  contact: "c1",
  epoch: 4,
  queue: "113-oslo",
  queue_name: "113 Oslo",
  class: "emergency",
  caller: "+4799112233",
  caller_source: "p-asserted-identity",
  caller_name: "",
  caller_private: false,
  diverted_from: [],
  arrived_at_ms: NOW_MS - 3_000,
  expires_at_ms: NOW_MS + 15_000,
  location_text: "Storgata 12, Oslo",
  ...part,
});

export const call = (part: Partial<Call> = {}): Call => ({
  contact: "c1",
  epoch: 4,
  queue: "113-oslo",
  queue_name: "113 Oslo",
  class: "emergency",
  caller: "+4799112233",
  caller_source: "p-asserted-identity",
  caller_name: "",
  caller_private: false,
  diverted_from: [],
  arrived_at_ms: NOW_MS - 5_000,
  answered_at_ms: NOW_MS,
  state: "connected",
  location: {
    text: "Storgata 12, Oslo",
    latitude: 59.91423,
    longitude: 10.75231,
    radius_m: 25,
    problem: "",
    method: "GPS",
    measured: "2026-01-01T12:00:00Z",
    pending: false,
    all: [],
  },
  details: [],
  patch: null,
  video: { state: "none", url: null, link_expires_ms: null },
  recording: true,
  direction: "in",
  display: "",
  far_end: "answered",
  parties: [],
  referral: null,
  can_refer: false,
  ...part,
});

export const talkgroup = (part: Partial<Talkgroup> = {}): Talkgroup => ({
  gssi: 24201,
  name: "AMK Oslo 1",
  attached: "attached",
  monitored: true,
  floor: "free",
  talker: null,
  cause: "",
  level: 0,
  ...part,
});

export const snapshot = (part: Partial<Snapshot> = {}): Snapshot => ({
  type: "snapshot",
  seq: 17,
  now_ms: NOW_MS,
  server: { name: "kak-test", version: "0", lab: false },
  me: me(),
  offer: null,
  call: null,
  queues: [
    { queue: "113-oslo", name: "113 Oslo", class: "emergency", waiting: 0, longest_since_ms: null, available: 1 },
  ],
  waiting: [],
  operators: [],
  talkgroups: [talkgroup(), talkgroup({ gssi: 24202, name: "AMK Oslo 2", monitored: false, attached: "detached" })],
  transfer_targets: [
    { queue: "113-oslo", name: "113 Oslo", room_name: "AMK Oslo" },
    { queue: "113-bergen", name: "113 Bergen", room_name: "AMK Bergen" },
  ],
  media: { state: "up", generation: "1" },
  notices: [],
  handed_over: [],
  abandoned: [],
  services: [],
  phone: null,
  ...part,
});
