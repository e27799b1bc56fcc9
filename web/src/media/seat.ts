import { completeOffer } from "./peer";

/**
 * The seat's sound: one PeerConnection from sign-in on (m-line 0 microphone up and headset down, m-line 1 speaker
 * down). It is kept warm and knows nothing of calls; the server mixes. The event stream's loss never touches it.
 */

export type SoundState = "off" | "starting" | "up" | "reconnecting" | "no-microphone";

export interface SeatMediaOptions {
  /** Posts the offer; rejects with an error whose `code` may be `not-your-seat`. */
  exchange(sdp: string): Promise<string>;
  onChange(): void;
  /** `?raw=1`: no echo cancellation, noise suppression or gain control (headsets that do it, measurements). */
  raw: boolean;
  microphoneId(): string | null;
}

/** ICE calls a connection disconnected after a short silence; most of those heal by themselves. */
export const DISCONNECTED_LIMIT_MS = 1_500;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_LAST_MS = 4_000;
/** An attempt that has not connected by then is given up. */
const CONNECT_LIMIT_MS = 6_000;

export class SeatMedia {
  pc: RTCPeerConnection | null = null;
  micTrack: MediaStreamTrack | null = null;
  state: SoundState = "off";
  headsetStream: MediaStream | null = null;
  speakerStream: MediaStream | null = null;

  private running = false;
  private attempt = 0;
  /** Numbers PeerConnections, so that what an old one still says is ignored. */
  private generation = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SeatMediaOptions) {}

  /** Asks for the microphone first: a page that captures may also play without a click. */
  async start(): Promise<void> {
    if (this.running) return;
    this.running = true;
    this.set("starting");
    await this.openMicrophone();
    if (this.running && this.micTrack) this.rebuild();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.retry);
    this.dropPeer();
    this.micTrack?.stop();
    this.micTrack = null;
    this.set("off");
  }

  /** Replaces the PeerConnection now (`media.reset`, a changed network). */
  reset(): void {
    if (!this.running || !this.micTrack) return;
    this.attempt = 0;
    this.rebuild();
  }

  /** Takes another microphone, or the same again after a refusal; the PeerConnection stays. */
  async changeMicrophone(): Promise<void> {
    if (!this.running) return;
    const old = this.micTrack;
    await this.openMicrophone();
    if (!this.running || !this.micTrack) return;
    if (old && old !== this.micTrack) old.stop();
    const sender = this.pc?.getTransceivers()[0]?.sender;
    if (sender) await sender.replaceTrack(this.micTrack);
    else this.rebuild();
  }

  private async openMicrophone(): Promise<void> {
    const on = !this.options.raw;
    const audio: MediaTrackConstraints = { echoCancellation: on, noiseSuppression: on, autoGainControl: on };
    const id = this.options.microphoneId();
    if (id) audio.deviceId = { ideal: id };
    try {
      if (!navigator.mediaDevices) throw new Error("no microphone without https");
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const track = stream.getAudioTracks()[0] ?? null;
      if (!this.running) {
        track?.stop();
        return;
      }
      this.micTrack = track;
      // A headset that is pulled out ends its track; take whatever the machine offers instead.
      track?.addEventListener("ended", () => {
        if (track === this.micTrack) void this.changeMicrophone();
      });
      if (this.state === "no-microphone") this.set("starting");
    } catch {
      this.set("no-microphone");
    }
  }

  private rebuild(): void {
    clearTimeout(this.retry);
    this.dropPeer();
    const generation = ++this.generation;
    this.set(this.state === "off" || this.state === "starting" ? "starting" : "reconnecting");
    this.watch = setTimeout(() => this.failed(generation), CONNECT_LIMIT_MS);
    this.connect(generation).catch(() => this.failed(generation));
  }

  private async connect(generation: number): Promise<void> {
    const mic = this.micTrack;
    if (!mic) return;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    pc.addTransceiver(mic, { direction: "sendrecv", streams: [new MediaStream([mic])] });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addEventListener("track", (event) => this.gotTrack(pc, event));
    pc.addEventListener("connectionstatechange", () => this.stateChanged(pc, generation));
    const offer = await completeOffer(pc);
    if (generation !== this.generation) return;
    const answer = await this.options.exchange(offer);
    if (generation !== this.generation) return;
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
  }

  private gotTrack(pc: RTCPeerConnection, event: RTCTrackEvent): void {
    if (pc !== this.pc) return;
    const stream = new MediaStream([event.track]);
    if (event.transceiver === pc.getTransceivers()[0]) this.headsetStream = stream;
    else this.speakerStream = stream;
    this.options.onChange();
  }

  private stateChanged(pc: RTCPeerConnection, generation: number): void {
    if (generation !== this.generation) return;
    clearTimeout(this.watch);
    switch (pc.connectionState) {
      case "connected":
        this.attempt = 0;
        this.set("up");
        return;
      case "disconnected":
        this.set("reconnecting");
        this.watch = setTimeout(() => this.failed(generation), DISCONNECTED_LIMIT_MS);
        return;
      case "failed":
      case "closed":
        this.failed(generation);
        return;
      default:
        this.watch = setTimeout(() => this.failed(generation), CONNECT_LIMIT_MS);
    }
  }

  private failed(generation: number): void {
    if (generation !== this.generation || !this.running) return;
    this.generation += 1; // nothing the failed one still says counts
    clearTimeout(this.watch);
    this.set("reconnecting");
    const delay_ms = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** this.attempt);
    this.attempt = Math.min(this.attempt + 1, 8);
    this.retry = setTimeout(() => this.rebuild(), delay_ms);
  }

  private dropPeer(): void {
    clearTimeout(this.watch);
    this.generation += 1;
    this.pc?.close();
    this.pc = null;
  }

  private set(state: SoundState): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onChange();
  }
}
