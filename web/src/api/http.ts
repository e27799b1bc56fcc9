import type { Explanation, LiveStatistics } from "./moves";
import type { HandOverStatus, RoomPerson } from "./staff";
import type { Lab, PositionRow, RecentCall, Seat, Session } from "./types";

/** The server's refusal, or `code: "network"` (status 0) when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

interface ErrorBody {
  error?: { code?: string; message?: string };
}

/** Milliseconds until an unanswered request is given up. */
const REQUEST_TIMEOUT_MS = 8_000;
const EXPLANATION_TIMEOUT_MS = 40_000;

type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** REST calls of the position API. Holds the anti-forgery token of the session; throws `ApiError` only. */
export class Http {
  private csrf = "";

  constructor(private readonly fetch: Fetch = (input, init) => globalThis.fetch(input, init)) {}

  async signIn(username: string, password: string): Promise<Session> {
    return this.keep(await this.request<Session>("POST", "/session", { username, password }));
  }

  async session(): Promise<Session> {
    return this.keep(await this.request<Session>("GET", "/session"));
  }

  async signOut(): Promise<void> {
    await this.request("DELETE", "/session");
    this.csrf = "";
  }

  positions(): Promise<PositionRow[]> {
    return this.request("GET", "/positions");
  }

  sit(position: string, takeOver: boolean): Promise<Seat> {
    return this.request("POST", "/position", { position, take_over: takeOver });
  }

  /** Stands by at a position whose operator is in a call or its paper work. */
  handOver(position: string): Promise<HandOverStatus> {
    return this.request("POST", "/position/hand-over", { position });
  }

  handOverStatus(): Promise<HandOverStatus> {
    return this.request("GET", "/position/hand-over");
  }

  async cancelHandOver(): Promise<void> {
    await this.request("DELETE", "/position/hand-over");
  }

  /** Takes the same seat again after a reload; the server answers with the same epoch, call and all. */
  reattach(seat: Seat): Promise<Seat> {
    return this.request("POST", "/position", { position: seat.position, seat_epoch: seat.seat_epoch });
  }

  async standUp(): Promise<void> {
    await this.request("DELETE", "/position");
  }

  async seatMedia(sdp: string, seatEpoch: number): Promise<string> {
    const answer = await this.request<{ sdp: string }>("POST", "/position/media", { sdp, seat_epoch: seatEpoch });
    return answer.sdp;
  }

  async viewVideo(contact: string, sdp: string): Promise<string> {
    const path = `/contacts/${encodeURIComponent(contact)}/video/view`;
    const answer = await this.request<{ sdp: string }>("POST", path, { sdp });
    return answer.sdp;
  }

  recentCalls(limit: number): Promise<RecentCall[]> {
    return this.request("GET", `/calls?limit=${limit}`);
  }

  /** Each step of a contact's way; the server may work at it for half a minute. */
  explanation(contact: string): Promise<Explanation> {
    return this.request(
      "GET",
      `/contacts/${encodeURIComponent(contact)}/explanation`,
      undefined,
      EXPLANATION_TIMEOUT_MS,
    );
  }

  /** Who is signed in in another room, for its neighbours' shift leads. */
  roomPeople(room: string): Promise<RoomPerson[]> {
    return this.request("GET", `/rooms/${encodeURIComponent(room)}/operators`);
  }

  /** Who is signed in in any room, by name or room; the server answers with a few dozen at most. */
  findPeople(find: string): Promise<RoomPerson[]> {
    return this.request("GET", `/operators?find=${encodeURIComponent(find)}`);
  }

  liveStatistics(): Promise<LiveStatistics> {
    return this.request("GET", "/statistics/live?by=queue");
  }

  async explain(contact: string): Promise<string[]> {
    const answer = await this.request<{ sentences: string[] }>("GET", `/calls/${encodeURIComponent(contact)}/explain`);
    return answer.sentences;
  }

  lab(): Promise<Lab> {
    return this.request("GET", "/lab");
  }

  labRing(number: string): Promise<unknown> {
    return this.request("POST", "/lab/ring", { number });
  }

  labBring(kind: string): Promise<unknown> {
    return this.request("POST", "/lab/contacts", { kind });
  }

  labEmergency(issi: number, on: boolean): Promise<unknown> {
    return this.request("POST", `/lab/radios/${issi}/emergency`, { on });
  }

  labHangup(id: string): Promise<unknown> {
    return this.request("POST", `/lab/callers/${encodeURIComponent(id)}/hangup`, {});
  }

  labRadioPtt(issi: number, on: boolean): Promise<unknown> {
    return this.request("POST", `/lab/radios/${issi}/ptt`, on ? { on, source: "speech" } : { on });
  }

  citizenState(token: string): Promise<{ state: "open" | "expired"; language: string }> {
    return this.request("GET", `/video/${encodeURIComponent(token)}`);
  }

  async citizenMedia(token: string, sdp: string): Promise<string> {
    const answer = await this.request<{ sdp: string }>("POST", `/video/${encodeURIComponent(token)}/media`, { sdp });
    return answer.sdp;
  }

  private keep(session: Session): Session {
    this.csrf = session.csrf;
    return session;
  }

  private async request<T>(method: string, path: string, body?: unknown, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET" && this.csrf) headers["X-Kak-Csrf"] = this.csrf;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) init.body = JSON.stringify(body);
    init.signal = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await this.fetch(`/api/v1${path}`, init);
    } catch (problem) {
      throw new ApiError(0, "network", String(problem));
    }
    const answer = await readJson(response);
    if (!response.ok) {
      const { code, message } = (answer as ErrorBody | null)?.error ?? {};
      throw new ApiError(response.status, code ?? `http-${response.status}`, message ?? response.statusText);
    }
    return answer as T;
  }
}

export function recordingUrl(recording: string): string {
  return `/api/v1/recordings/${encodeURIComponent(recording)}/audio`;
}

/** All tracks of a call in one, aligned by their start. */
export function mixUrl(contact: string): string {
  return `/api/v1/calls/${encodeURIComponent(contact)}/audio?mix=1`;
}

/** The body as JSON; null where there is none (204) or a proxy answered with something else. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
