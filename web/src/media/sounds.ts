/**
 * The console's own sounds, made by WebAudio: the ring of an offer and short tones. Create it after the microphone is
 * open; a capturing page may start audio without a click.
 */

export type Tone = "permit" | "denied" | "lost" | "message";

const RING_PERIOD_S = { emergency: 1.2, urgent: 2, normal: 3 } as const;

export class Sounds {
  private context: AudioContext | null = null;
  private ringing: { timer: ReturnType<typeof setInterval>; gain: GainNode } | null = null;

  open(): void {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    void this.context.resume();
  }

  get suspended(): boolean {
    return this.context?.state === "suspended";
  }

  unlock(): void {
    void this.context?.resume();
  }

  /** Rings until `silence`; the graver the class, the faster and higher. */
  ring(kind: keyof typeof RING_PERIOD_S): void {
    this.silence();
    const context = this.context;
    if (!context) return;
    const gain = context.createGain();
    gain.gain.value = 0.35;
    gain.connect(context.destination);
    const pitch = kind === "emergency" ? 960 : kind === "urgent" ? 800 : 640;
    const burst = () => {
      for (let i = 0; i < 4; i += 1)
        beep(context, gain, i % 2 ? pitch : pitch * 1.25, context.currentTime + i * 0.11, 0.1);
    };
    burst();
    this.ringing = { gain, timer: setInterval(burst, RING_PERIOD_S[kind] * 1_000) };
  }

  silence(): void {
    if (!this.ringing) return;
    clearInterval(this.ringing.timer);
    this.ringing.gain.disconnect();
    this.ringing = null;
  }

  tone(tone: Tone): void {
    const context = this.context;
    if (!context) return;
    const now = context.currentTime;
    const notes = { permit: [880, 1_175], denied: [330, 330], lost: [700, 520, 390], message: [1_046, 1_318] }[tone];
    for (const [i, hertz] of notes.entries()) beep(context, context.destination, hertz, now + i * 0.12, 0.09, 0.2);
  }

  close(): void {
    this.silence();
    void this.context?.close();
    this.context = null;
  }
}

function beep(context: AudioContext, out: AudioNode, hertz: number, at_s: number, length_s: number, volume = 1): void {
  const source = context.createOscillator();
  const envelope = context.createGain();
  source.frequency.value = hertz;
  // Short ramps: a tone that starts or ends on an edge clicks in a headset.
  envelope.gain.setValueAtTime(0, at_s);
  envelope.gain.linearRampToValueAtTime(volume, at_s + 0.008);
  envelope.gain.setValueAtTime(volume, at_s + length_s - 0.015);
  envelope.gain.linearRampToValueAtTime(0, at_s + length_s);
  source.connect(envelope).connect(out);
  source.start(at_s);
  source.stop(at_s + length_s);
}
