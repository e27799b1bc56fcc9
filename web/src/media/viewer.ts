import { completeOffer, preferVp8 } from "./peer";

/** Shows a citizen's camera: a PeerConnection of its own, tried again with back-off until stopped. */
export class VideoViewer {
  private pc: RTCPeerConnection | null = null;
  private running = true;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly exchange: (sdp: string) => Promise<string>,
    private readonly onStream: (stream: MediaStream | null) => void,
  ) {
    void this.connect();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    this.pc?.close();
    this.pc = null;
    this.onStream(null);
  }

  private async connect(): Promise<void> {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.pc = pc;
    preferVp8(pc.addTransceiver("video", { direction: "recvonly" }), "receiver");
    pc.addEventListener("track", (event) => {
      if (pc === this.pc) this.onStream(new MediaStream([event.track]));
    });
    pc.addEventListener("connectionstatechange", () => {
      if (pc !== this.pc) return;
      if (pc.connectionState === "connected") this.attempt = 0;
      if (pc.connectionState === "failed") this.again();
    });
    try {
      const answer = await this.exchange(await completeOffer(pc));
      if (pc === this.pc) await pc.setRemoteDescription({ type: "answer", sdp: answer });
    } catch {
      if (pc === this.pc) this.again();
    }
  }

  private again(): void {
    this.pc?.close();
    this.pc = null;
    if (!this.running) return;
    const delay_ms = Math.min(4_000, 300 * 2 ** this.attempt);
    this.attempt = Math.min(this.attempt + 1, 6);
    this.timer = setTimeout(() => void this.connect(), delay_ms);
  }
}
