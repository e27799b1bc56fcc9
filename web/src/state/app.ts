import { ApiError, type Http } from "../api/http";
import type { SocketLike } from "../api/stream";
import type { PositionRow, Seat, Session } from "../api/types";
import { Desk } from "./desk";
import { forgetSeat, holdSeat, recallSeat } from "./seat_memory";
import { Store } from "./store";

export type Phase = "starting" | "unreachable" | "signed-out" | "choosing" | "seated" | "lost";

export interface AppState {
  phase: Phase;
  session: Session | null;
  positions: PositionRow[];
  seat: Seat | null;
  desk: Desk | null;
  /** Why the seat was lost: `another-tab`, `taken-over`, or an error code. */
  lostReason: string;
  /** Error code of the last sign-in or seat that was refused. */
  problem: string;
  busy: boolean;
}

const START_RETRY_MS = 2_000;

/** Who is signed in, at which seat, and what to do when either is lost. */
export class App {
  readonly store = new Store<AppState>({
    phase: "starting",
    session: null,
    positions: [],
    seat: null,
    desk: null,
    lostReason: "",
    problem: "",
    busy: false,
  });

  constructor(
    readonly http: Http,
    private readonly raw: boolean,
    private readonly openSocket: (seatEpoch: number, after: number | null) => SocketLike,
  ) {}

  /** The page has loaded: take up the session and the seat it had before, if any. */
  async start(): Promise<void> {
    try {
      const session = await this.http.session();
      this.store.set({ session });
    } catch (problem) {
      if (codeOf(problem) === "network" || statusOf(problem) >= 500) {
        this.store.set({ phase: "unreachable" });
        setTimeout(() => void this.start(), START_RETRY_MS);
      } else {
        this.store.set({ phase: "signed-out" });
      }
      return;
    }
    const seat = recallSeat();
    if (!seat || !(await holdSeat(seat))) return this.choose();
    try {
      this.seated(await this.http.reattach(seat));
      void this.refreshPositions();
    } catch {
      forgetSeat();
      await this.choose();
    }
  }

  async signIn(username: string, password: string): Promise<void> {
    await this.attempt(async () => {
      const session = await this.http.signIn(username, password);
      this.store.set({ session });
      await this.choose();
    });
  }

  /** Refused with `busy` while a call is connected. */
  async signOut(): Promise<void> {
    await this.attempt(async () => {
      await this.http.signOut();
      this.leave();
      this.store.set({ phase: "signed-out", session: null });
    });
  }

  async choose(): Promise<void> {
    this.store.set({ phase: "choosing" });
    await this.attempt(async () => this.store.set({ positions: await this.http.positions() }));
  }

  /** Reads who sits where again; a failure leaves the list as it was. */
  async refreshPositions(): Promise<void> {
    try {
      this.store.set({ positions: await this.http.positions() });
    } catch (problem) {
      if (statusOf(problem) === 401) this.store.set({ phase: "signed-out", session: null });
    }
  }

  async sit(position: string, takeOver: boolean): Promise<void> {
    await this.attempt(async () => {
      const seat = await this.http.sit(position, takeOver);
      await holdSeat(seat);
      this.seated(seat);
    });
  }

  /** Asks for a position as the next shift; true: it is free now, or will be when the work there is done. */
  async standBy(position: string): Promise<boolean> {
    let standing = false;
    await this.attempt(async () => {
      await this.http.handOver(position);
      standing = true;
    });
    return standing;
  }

  /** Looks whether the position is ready for the next shift, and sits down then; false: it has come to nothing. */
  async lookAgain(position: string): Promise<boolean> {
    try {
      const { state } = await this.http.handOverStatus();
      if (state === "ready") await this.sit(position, false);
      return state !== "none";
    } catch (problem) {
      if (statusOf(problem) === 401) this.store.set({ phase: "signed-out", session: null });
      return true; // no answer is no answer about the seat: ask again
    }
  }

  async stopStandingBy(): Promise<void> {
    await this.attempt(() => this.http.cancelHandOver());
  }

  /** Refused with `busy` while a call is connected. */
  async standUp(): Promise<void> {
    await this.attempt(async () => {
      await this.http.standUp();
      this.leave();
      await this.choose();
    });
  }

  clearProblem(): void {
    this.store.set({ problem: "" });
  }

  private seated(seat: Seat): void {
    this.store.get().desk?.stop();
    const desk = new Desk({
      http: this.http,
      seat,
      raw: this.raw,
      openSocket: this.openSocket,
      onLost: (reason) => this.lost(reason),
      onRefused: () => void this.checkSeat(desk, seat),
    });
    this.store.set({ phase: "seated", seat, desk, lostReason: "", problem: "" });
    desk.start();
  }

  /** The stream or a command was refused: the session may have ended, or somebody else has the seat. */
  private async checkSeat(desk: Desk, seat: Seat): Promise<void> {
    try {
      await this.http.reattach(seat);
    } catch (problem) {
      if (this.store.get().desk !== desk) return;
      if (statusOf(problem) === 401) {
        this.leave();
        this.store.set({ phase: "signed-out", session: null, problem: "session-ended" });
      } else if (statusOf(problem) === 409 || statusOf(problem) === 403) {
        this.lost(codeOf(problem));
      }
    }
  }

  private lost(reason: string): void {
    this.store.get().desk?.stop();
    forgetSeat();
    this.store.set({ phase: "lost", desk: null, lostReason: reason });
  }

  private leave(): void {
    this.store.get().desk?.stop();
    forgetSeat();
    this.store.set({ desk: null, seat: null });
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    this.store.set({ busy: true, problem: "" });
    try {
      await action();
    } catch (problem) {
      if (statusOf(problem) === 401 && this.store.get().session) {
        this.leave();
        this.store.set({ phase: "signed-out", session: null });
      }
      this.store.set({ problem: codeOf(problem) });
      if (this.store.get().phase === "seated") this.store.get().desk?.toast(codeOf(problem));
    } finally {
      this.store.set({ busy: false });
    }
  }
}

function codeOf(problem: unknown): string {
  return problem instanceof ApiError ? problem.code : "network";
}

function statusOf(problem: unknown): number {
  return problem instanceof ApiError ? problem.status : 0;
}
