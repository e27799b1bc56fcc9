import { Http } from "../src/api/http";
import type { SocketLike } from "../src/api/stream";
import { App } from "../src/state/app";

/**
 * What jsdom has not: sockets, PeerConnections, microphones, sound, dialogs and locks, each as small as the console's
 * use of it. The real ones are tried by the end-to-end tests in Chromium.
 */

export class FakeSocket implements SocketLike {
  onopen = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  commands: { id: string; name: string; args: Record<string, unknown> }[] = [];
  closed = false;

  constructor(
    readonly seatEpoch: number,
    readonly after: number | null,
  ) {}

  send(text: string): void {
    const message = JSON.parse(text);
    if (message.type === "command") this.commands.push(message);
  }

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** Answers the newest command. */
  reply(part: object = { ok: true, result: {} }): void {
    this.say({ type: "reply", id: this.commands.at(-1)?.id, ...part });
  }
}

export class FakeTrack extends EventTarget {
  stopped = false;
  constructor(readonly kind: string) {
    super();
  }
  stop(): void {
    this.stopped = true;
  }
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[] = []) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter((track) => track.kind === "audio");
  getVideoTracks = () => this.tracks.filter((track) => track.kind === "video");
}

export class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  static last(): FakePeer {
    const peer = FakePeer.made.at(-1);
    if (!peer) throw new Error("no PeerConnection was made");
    return peer;
  }
  iceGatheringState = "complete";
  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  remote = "";
  closed = false;
  transceivers: {
    kind: string;
    direction: string;
    preferred: string[];
    setCodecPreferences(codecs: { mimeType: string }[]): void;
    sender: { replaced: unknown; replaceTrack(track: unknown): void };
  }[] = [];

  constructor() {
    super();
    FakePeer.made.push(this);
  }
  addTransceiver(what: string | FakeTrack, init: { direction: string }) {
    const sender = {
      replaced: null as unknown,
      replaceTrack(track: unknown) {
        this.replaced = track;
      },
    };
    const setCodecPreferences = (codecs: { mimeType: string }[]) => {
      made.preferred = codecs.map((codec) => codec.mimeType);
    };
    const made: (typeof this.transceivers)[number] = {
      preferred: [],
      setCodecPreferences,
      kind: typeof what === "string" ? what : what.kind,
      direction: init.direction,
      sender,
    };
    this.transceivers.push(made);
    return made;
  }
  getTransceivers = () => this.transceivers;
  createOffer = async () => ({ sdp: `offer ${FakePeer.made.indexOf(this)}` });
  setLocalDescription = async (description: { sdp: string }) => {
    this.localDescription = description;
  };
  setRemoteDescription = async ({ sdp }: { sdp: string }) => {
    this.remote = sdp;
  };
  close(): void {
    this.closed = true;
  }
  become(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  deliver(index: number): FakeTrack {
    const track = new FakeTrack("audio");
    this.dispatchEvent(Object.assign(new Event("track"), { track, transceiver: this.transceivers[index] }));
    return track;
  }
}

const CODECS = ["video/H264", "video/VP8", "video/rtx"].map((mimeType) => ({ mimeType, clockRate: 90_000 }));

export const microphone = { refuse: false, tracks: [] as FakeTrack[] };

export function installBrowser(): void {
  FakePeer.made = [];
  microphone.refuse = false;
  microphone.tracks = [];
  sessionStorage.clear();
  localStorage.clear();
  vi.stubGlobal("RTCPeerConnection", FakePeer);
  vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs: CODECS }) });
  vi.stubGlobal("RTCRtpReceiver", { getCapabilities: () => ({ codecs: CODECS }) });
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("AudioContext", FakeAudio);
  Object.defineProperty(navigator, "mediaDevices", {
    configurable: true,
    value: {
      getUserMedia: async (wanted: { audio?: unknown; video?: unknown }) => {
        if (microphone.refuse) throw new DOMException("no", "NotAllowedError");
        const track = new FakeTrack(wanted.video ? "video" : "audio");
        microphone.tracks.push(track);
        return new FakeStream([track]);
      },
      enumerateDevices: async () => [],
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    },
  });
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  vi.spyOn(HTMLMediaElement.prototype, "pause").mockReturnValue();
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
  };
}

class FakeAudio {
  static tones = 0;
  state = "running";
  currentTime = 0;
  destination = {};
  resume = async () => undefined;
  close = async () => undefined;
  createGain = () => ({
    gain: { value: 0, setValueAtTime() {}, linearRampToValueAtTime() {} },
    connect: (out: unknown) => out,
    disconnect() {},
  });
  createOscillator = () => ({
    frequency: { value: 0 },
    connect: (out: unknown) => out,
    start() {
      FakeAudio.tones += 1;
    },
    stop() {},
  });
}

export type Answer = [status: number, body: unknown];
export interface Asked {
  method: string;
  path: string;
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

const apps: App[] = [];

/** Ends the seats of a test: their timers must not make PeerConnections in the next one. */
export function stopApps(): void {
  for (const app of apps.splice(0)) app.store.get().desk?.stop();
}

/** A search that a slow machine gets to while somebody types: nobody is found. */
const SEARCH = "GET /operators?find=";

/** An app over a server that answers from a table `"METHOD /path"`; unknown paths are an empty 200. */
export function appWith(answers: Record<string, Answer | (() => Answer)>, raw = false) {
  const asked: Asked[] = [];
  const sockets: FakeSocket[] = [];
  const http = new Http(async (path, init) => {
    const method = init.method ?? "GET";
    const bare = path.replace("/api/v1", "");
    asked.push({
      method,
      path: bare,
      body: init.body ? JSON.parse(String(init.body)) : {},
      headers: init.headers as Record<string, string>,
    });
    const asksFor = `${method} ${bare}`;
    const found = answers[asksFor];
    const [status, body] =
      typeof found === "function" ? found() : (found ?? [200, asksFor.startsWith(SEARCH) ? [] : {}]);
    if (status === 0) throw new TypeError("no network");
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
  const app = new App(http, raw, (seatEpoch, after) => {
    const socket = new FakeSocket(seatEpoch, after);
    sockets.push(socket);
    return socket;
  });
  apps.push(app);
  return {
    app,
    http,
    asked,
    sockets,
    answers,
    socket(): FakeSocket {
      const socket = sockets.at(-1);
      if (!socket) throw new Error("no socket was opened");
      return socket;
    },
    paths: () => asked.map(({ method, path }) => `${method} ${path}`),
  };
}

export const SESSION = {
  user: { operator: "kari", name: "Kari Nordmann", roles: ["operator"], skills: {}, rooms: ["oslo"] },
  csrf: "token",
};

export const POSITIONS = [
  { position: "oslo-1", room: "oslo", room_name: "AMK Oslo", name: "AMK Oslo 1", taken_by: null, phone: null },
  {
    position: "oslo-2",
    room: "oslo",
    room_name: "AMK Oslo",
    name: "AMK Oslo 2",
    taken_by: "Ola Nordmann",
    phone: null,
  },
];

export const refusal = (code: string) => ({ error: { code, message: code } });
export const settle = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
