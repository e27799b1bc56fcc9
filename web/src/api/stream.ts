import type { ServerMessage } from "./types";

/** What the stream needs of a WebSocket. */
export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface StreamOptions {
  /** Opens a socket; `after` is the last sequence number seen, null asks for a snapshot. */
  open(after: number | null): SocketLike;
  /** Every message but pings, in order. */
  onMessage(message: ServerMessage): void;
  onState(state: StreamState): void;
  /** Closed before anything came, or with a code that says why: the session or the seat may be gone. */
  onRefused(code: number): void;
  /** 0 to 1; spreads reconnects of many consoles after a restart of the server. */
  random(): number;
}

export type StreamState = "connecting" | "open" | "closed";

export const BACKOFF_FIRST_MS = 200;
export const BACKOFF_LAST_MS = 3_000;
/** The server pings every 5 s; two and a half missed means the connection is dead though nobody said so. */
export const SILENCE_LIMIT_MS = 12_500;

/** Close codes: RFC 6455 section 7.4.1, and those of the position API. */
export const CLOSED_ABNORMALLY = 1006;
export const CLOSED_SIGNED_OUT = 4401;
export const CLOSED_SEAT_LOST = 4409;

/**
 * The event stream's connection: reconnects with back-off from where it was, answers pings, notices silence.
 * Sequence numbers are judged by the reducer; on a gap it calls `resync`.
 */
export class EventStream {
  private socket: SocketLike | null = null;
  private after: number | null = null;
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private heard = false;

  constructor(private readonly options: StreamOptions) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.connect();
  }

  stop(): void {
    this.running = false;
    this.drop();
    this.options.onState("closed");
  }

  /** Remembers the last event that was applied, so that a reconnect resumes there. */
  applied(seq: number): void {
    this.after = seq;
  }

  /** Events were lost: connect anew and ask for a snapshot. */
  resync(): void {
    this.after = null;
    if (!this.running) return;
    this.drop();
    this.connect();
  }

  /** False when there is no open connection to send by. */
  send(message: object): boolean {
    if (!this.socket || !this.heard) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private connect(): void {
    this.options.onState("connecting");
    this.heard = false;
    const socket = this.options.open(this.after);
    this.socket = socket;
    this.watch();
    socket.onmessage = (event) => this.receive(socket, event.data);
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event.code);
    };
  }

  private receive(socket: SocketLike, data: unknown): void {
    if (socket !== this.socket) return;
    this.watch();
    const messages = parse(data);
    if (!messages) return this.resync();
    for (const message of messages) {
      if (socket !== this.socket) return; // the message before this one ended the connection
      this.take(socket, message);
    }
  }

  private take(socket: SocketLike, message: ServerMessage): void {
    if (message.type === "ping") {
      socket.send('{"type":"pong"}');
      return;
    }
    if (!this.heard) {
      this.heard = true;
      this.attempt = 0;
      this.options.onState("open");
    }
    this.options.onMessage(message);
  }

  private closed(code: number): void {
    const refused = !this.heard || code === CLOSED_SIGNED_OUT || code === CLOSED_SEAT_LOST;
    this.drop();
    if (!this.running) return;
    this.options.onState("connecting");
    const full = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** this.attempt);
    this.attempt = Math.min(this.attempt + 1, 10);
    this.retry = setTimeout(() => this.connect(), full * (0.75 + this.options.random() * 0.25));
    if (refused) this.options.onRefused(code);
  }

  private watch(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.closed(CLOSED_ABNORMALLY), SILENCE_LIMIT_MS);
  }

  private drop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    this.heard = false;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}

/** The messages of one frame: an object, or with `batch=1` an array of them; null when it is neither. */
function parse(data: unknown): ServerMessage[] | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    const messages: unknown[] = Array.isArray(value) ? value : [value];
    return messages.every(isMessage) ? messages : null;
  } catch {
    return null;
  }
}

function isMessage(value: unknown): value is ServerMessage {
  return typeof value === "object" && value !== null && "type" in value;
}
