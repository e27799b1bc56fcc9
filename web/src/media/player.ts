/** Plays the headset and speaker mixes on two hidden audio elements and says whether the browser lets it. */

export class Player {
  /** The browser refuses to play until the person presses something. */
  blocked = false;
  readonly headset: HTMLAudioElement;
  readonly speaker: HTMLAudioElement;

  constructor(private readonly onChange: () => void) {
    this.headset = element("audio-headset");
    this.speaker = element("audio-speaker");
  }

  play(headset: MediaStream | null, speaker: MediaStream | null): void {
    void this.attach(this.headset, headset);
    void this.attach(this.speaker, speaker);
  }

  /** Tries again; call it from a key press or click. */
  async unlock(): Promise<void> {
    await Promise.all([this.start(this.headset), this.start(this.speaker)]);
  }

  /** Where each mix is heard; an empty id is the system's default. A device that is gone falls back to it. */
  async route(headsetId: string, speakerId: string): Promise<void> {
    await Promise.all([setSink(this.headset, headsetId), setSink(this.speaker, speakerId)]);
  }

  close(): void {
    for (const audio of [this.headset, this.speaker]) {
      audio.pause();
      audio.srcObject = null;
      audio.remove();
    }
  }

  private async attach(audio: HTMLAudioElement, stream: MediaStream | null): Promise<void> {
    if (audio.srcObject === stream) return;
    audio.srcObject = stream;
    await this.start(audio);
  }

  private async start(audio: HTMLAudioElement): Promise<void> {
    if (!audio.srcObject) return;
    try {
      await audio.play();
      this.setBlocked(false);
    } catch (problem) {
      // Only this refusal wants a key press; an interrupted play() is followed by the one that interrupted it.
      if (problem instanceof DOMException && problem.name === "NotAllowedError") this.setBlocked(true);
    }
  }

  private setBlocked(blocked: boolean): void {
    if (blocked === this.blocked) return;
    this.blocked = blocked;
    this.onChange();
  }
}

function element(id: string): HTMLAudioElement {
  const audio = document.createElement("audio");
  audio.id = id;
  audio.autoplay = true;
  audio.hidden = true;
  document.body.append(audio);
  return audio;
}

async function setSink(audio: HTMLAudioElement, id: string): Promise<void> {
  if (!("setSinkId" in audio)) return;
  try {
    await audio.setSinkId(id);
  } catch {
    if (id) await audio.setSinkId("").catch(() => undefined);
  }
}
