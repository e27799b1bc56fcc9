import { ApiError } from "../api/http";
import { completeOffer, preferVp8 } from "../media/peer";

export type Facing = "environment" | "user";
export type SenderState = "connecting" | "live" | "lost";

export interface SenderOptions {
  exchange(sdp: string): Promise<string>;
  onState(state: SenderState): void;
  /** The call is over (404, 410): do not try again. */
  onGone(): void;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 5_000;
/** A phone on the move is often silent for a moment. */
const DISCONNECTED_LIMIT_MS = 3_000;
/** Enough to see a wound or a street by, little enough for a poor mobile network. */
const MAX_BITS_PER_SECOND = 900_000;

/** Sends this device's camera, without sound, on a PeerConnection of its own; reconnects until stopped. */
export class CameraSender {
  private stream: MediaStream | null = null;
  private pc: RTCPeerConnection | null = null;
  private running = false;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SenderOptions) {}

  /** Opens the camera and begins to connect; rejects when there is no camera to be had. */
  async start(facing: Facing): Promise<MediaStream> {
    this.running = true;
    if (!navigator.mediaDevices) throw new Error("no camera without https");
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: facing }, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 20 } },
    });
    if (!this.running) {
      for (const track of stream.getTracks()) track.stop();
      return stream;
    }
    this.stream = stream;
    void this.connect();
    return stream;
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    this.pc?.close();
    this.pc = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  private async connect(): Promise<void> {
    const track = this.stream?.getVideoTracks()[0];
    if (!this.running || !track) return;
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    const transceiver = pc.addTransceiver(track, {
      direction: "sendonly",
      sendEncodings: [{ maxBitrate: MAX_BITS_PER_SECOND }],
    });
    preferVp8(transceiver, "sender");
    pc.addEventListener("connectionstatechange", () => this.changed(pc));
    try {
      const answer = await this.options.exchange(await completeOffer(pc));
      if (pc === this.pc) await pc.setRemoteDescription({ type: "answer", sdp: answer });
    } catch (problem) {
      if (pc !== this.pc) return;
      if (problem instanceof ApiError && (problem.status === 404 || problem.status === 410)) this.options.onGone();
      else this.again(pc);
    }
  }

  private changed(pc: RTCPeerConnection): void {
    if (pc !== this.pc) return;
    clearTimeout(this.timer);
    switch (pc.connectionState) {
      case "connected":
        this.attempt = 0;
        this.options.onState("live");
        return;
      case "disconnected":
        this.options.onState("lost");
        this.timer = setTimeout(() => this.again(pc), DISCONNECTED_LIMIT_MS);
        return;
      case "failed":
        this.again(pc);
    }
  }

  private again(pc: RTCPeerConnection): void {
    if (pc !== this.pc || !this.running) return;
    pc.close();
    this.pc = null;
    this.options.onState("lost");
    const delay_ms = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** this.attempt);
    this.attempt = Math.min(this.attempt + 1, 8);
    this.timer = setTimeout(() => void this.connect(), delay_ms);
  }
}
