/**
 * The push-to-talk key. While it is held, `on: true` is repeated, because the server keeps the microphone open only
 * under a lease of 1,000 ms; whatever happens to this page, the microphone towards the radio closes by itself.
 */

/** Well inside the 500 ms the API asks for, so that one late message does not cut speech. */
export const PTT_REPEAT_MS = 300;

export interface PttKeyOptions {
  /** Sends one `ptt` command; rejects when it was refused or could not be sent. */
  send(gssi: number, on: boolean): Promise<unknown>;
  /** The held group changed; null when the key is up. `refused` is the error code that ended it. */
  onChange(held: number | null, refused: string | null): void;
}

export class PttKey {
  private held: number | null = null;
  private readonly holders = new Set<string>();
  private timer: ReturnType<typeof setInterval> | undefined;
  /** Tells replies of this press from those of an earlier one. */
  private press = 0;

  constructor(private readonly options: PttKeyOptions) {}

  get group(): number | null {
    return this.held;
  }

  /** A key or button (`holder`) goes down on a group. Another group is not keyed while one is held. */
  down(holder: string, gssi: number): void {
    if (this.held !== null) {
      if (this.held === gssi) this.holders.add(holder);
      return;
    }
    this.holders.add(holder);
    this.held = gssi;
    this.press += 1;
    this.options.onChange(gssi, null);
    this.renew(gssi, this.press);
    this.timer = setInterval(() => this.renew(gssi, this.press), PTT_REPEAT_MS);
  }

  /** The holder lets go; the microphone closes when nobody holds the key. */
  up(holder: string): void {
    if (!this.holders.delete(holder) || this.holders.size > 0) return;
    this.release(null);
  }

  /** Focus, page or connection was lost: every holder lets go. */
  releaseAll(): void {
    this.release(null);
  }

  private renew(gssi: number, press: number): void {
    this.options.send(gssi, true).catch((problem: unknown) => {
      if (press !== this.press || this.held === null) return;
      this.release(codeOf(problem));
    });
  }

  private release(refused: string | null): void {
    const gssi = this.held;
    this.holders.clear();
    clearInterval(this.timer);
    if (gssi === null) return;
    this.held = null;
    this.options.onChange(null, refused);
    // A release that gets lost is made good by the lease; there is nobody to tell.
    this.options.send(gssi, false).catch(() => undefined);
  }
}

function codeOf(problem: unknown): string {
  return typeof problem === "object" && problem !== null && "code" in problem ? String(problem.code) : "network";
}
