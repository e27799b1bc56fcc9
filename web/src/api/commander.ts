import { ApiError } from "./http";
import type { CommandName, CommandResult, Commands, Reply } from "./types";

export const REPLY_TIMEOUT_MS = 5_000;
const MAX_PENDING = 64;

interface Pending {
  message: object;
  resolve(result: CommandResult): void;
  reject(problem: ApiError): void;
  timer: ReturnType<typeof setTimeout>;
  resend: boolean;
}

/**
 * Commands over the event stream, by id. One sent while the stream reconnects waits for it (the server answers a
 * repeated id as the first time), except those that must not come late, like the key of a radio.
 */
export class Commander {
  private readonly pending = new Map<string, Pending>();
  private next = 1;

  /** `tag` makes ids unique to this page, `send` is false when there is no connection. */
  constructor(
    private readonly tag: string,
    private readonly send: (message: object) => boolean,
  ) {}

  /** Resolves with the reply's result; rejects with `ApiError` (codes of the API, `timeout`, `busy-line`). */
  run<N extends CommandName>(name: N, args: Commands[N]): Promise<CommandResult> {
    const id = `${this.tag}-${this.next++}`;
    const message = { type: "command", id, name, args };
    const resend = name !== "ptt" && name !== "patch.talk";
    return new Promise((resolve, reject) => {
      if (this.pending.size >= MAX_PENDING) return reject(new ApiError(0, "busy-line", "too many unanswered commands"));
      if (!this.send(message) && !resend) return reject(new ApiError(0, "network", "no connection"));
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new ApiError(0, "timeout", `${name} was not answered`));
      }, REPLY_TIMEOUT_MS);
      this.pending.set(id, { message, resolve, reject, timer, resend });
    });
  }

  reply(reply: Reply): void {
    const waiting = this.pending.get(reply.id);
    if (!waiting) return;
    this.pending.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.ok) waiting.resolve(reply.result ?? {});
    else waiting.reject(new ApiError(409, reply.code ?? "refused", reply.message ?? ""));
  }

  /** The stream is back: ask again for what was not answered. */
  reconnected(): void {
    for (const [id, waiting] of this.pending) {
      if (waiting.resend) {
        this.send(waiting.message);
        continue;
      }
      this.pending.delete(id);
      clearTimeout(waiting.timer);
      waiting.reject(new ApiError(0, "network", "the connection was lost"));
    }
  }

  /** The seat is left: nobody waits any more. */
  clear(): void {
    for (const waiting of this.pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new ApiError(0, "closed", "the seat was left"));
    }
    this.pending.clear();
  }
}
