import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeskState } from "../src/state/desk";
import { recallSeat } from "../src/state/seat_memory";
import { appWith, FakePeer, installBrowser, microphone, POSITIONS, refusal, SESSION, settle, stopApps } from "./fakes";
import { call, offer, snapshot, talkgroup } from "./samples";

beforeEach(() => installBrowser());
afterEach(() => {
  stopApps();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const SEATED = {
  "GET /session": [200, SESSION],
  "GET /positions": [200, POSITIONS],
  "POST /position": [200, { position: "oslo-1", seat_epoch: 7 }],
  "POST /position/media": [200, { sdp: "answer" }],
} satisfies Parameters<typeof appWith>[0];

async function seated(extra: Parameters<typeof appWith>[0] = {}) {
  const setup = appWith({ ...SEATED, ...extra });
  await setup.app.start();
  await setup.app.sit("oslo-1", false);
  await settle();
  const desk = setup.app.store.get().desk;
  if (!desk) throw new Error("not seated");
  setup.socket().say(snapshot());
  const state = (): DeskState => desk.store.get();
  return { ...setup, desk, state };
}

describe("starting", () => {
  it("shows the sign-in when nobody is signed in, and who sits where after it", async () => {
    const { app, answers, asked } = appWith({
      "GET /session": [401, refusal("not-signed-in")],
      "POST /session": [200, SESSION],
      "GET /positions": [200, POSITIONS],
    });
    await app.start();
    expect(app.store.get().phase).toBe("signed-out");
    await app.signIn("kari", "lab");
    expect(app.store.get()).toMatchObject({ phase: "choosing", positions: POSITIONS, problem: "" });
    answers["POST /position"] = [409, refusal("taken")];
    await app.sit("oslo-2", false);
    expect(app.store.get()).toMatchObject({ phase: "choosing", problem: "taken" });
    expect(asked.at(-1)?.headers["X-Kak-Csrf"]).toBe("token");
  });

  it("stays at the sign-in with the reason when it is refused", async () => {
    const { app } = appWith({
      "GET /session": [401, refusal("not-signed-in")],
      "POST /session": [401, refusal("bad-credentials")],
    });
    await app.start();
    await app.signIn("kari", "wrong");
    expect(app.store.get()).toMatchObject({ phase: "signed-out", problem: "bad-credentials" });
  });

  it("tries again while the server does not answer", async () => {
    vi.useFakeTimers();
    let up = false;
    const { app } = appWith({ ...SEATED, "GET /session": () => (up ? [200, SESSION] : [0, null]) });
    await app.start();
    expect(app.store.get().phase).toBe("unreachable");
    up = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(app.store.get().phase).toBe("choosing");
    vi.useRealTimers();
  });

  it("takes the seat it had before a reload, with its epoch", async () => {
    sessionStorage.setItem("kak-seat", JSON.stringify({ position: "oslo-1", seat_epoch: 7 }));
    const { app, asked, sockets } = appWith(SEATED);
    await app.start();
    const sat = asked.find((request) => request.path === "/position");
    expect(sat?.body).toEqual({ position: "oslo-1", seat_epoch: 7 });
    expect(app.store.get().phase).toBe("seated");
    expect(sockets[0]).toMatchObject({ seatEpoch: 7, after: null });
  });

  it("chooses anew when the seat is gone, and forgets it", async () => {
    sessionStorage.setItem("kak-seat", JSON.stringify({ position: "oslo-1", seat_epoch: 7 }));
    const { app } = appWith({ ...SEATED, "POST /position": [409, refusal("taken")] });
    await app.start();
    expect(app.store.get().phase).toBe("choosing");
    expect(recallSeat()).toBeNull();
  });

  it("a copied tab does not share the seat", async () => {
    sessionStorage.setItem("kak-seat", JSON.stringify({ position: "oslo-1", seat_epoch: 7 }));
    const request = () => Promise.reject(new DOMException("held by another tab", "TimeoutError"));
    vi.stubGlobal("navigator", { ...navigator, locks: { request } });
    const { app, paths } = appWith(SEATED);
    await app.start();
    expect(app.store.get().phase).toBe("choosing");
    expect(paths()).not.toContain("POST /position");
  });
});

describe("a seat", () => {
  it("has a microphone, one PeerConnection of two m-lines, and an event stream", async () => {
    const { state, asked } = await seated();
    const peer = FakePeer.last();
    expect(peer.transceivers.map((line) => [line.kind, line.direction])).toEqual([
      ["audio", "sendrecv"],
      ["audio", "recvonly"],
    ]);
    expect(peer.remote).toBe("answer");
    expect(asked.find((request) => request.path === "/position/media")?.body).toEqual({
      sdp: "offer 0",
      seat_epoch: 7,
    });
    peer.become("connected");
    expect(state()).toMatchObject({ sound: "up", stream: "open", selectedGssi: 24201 });
  });

  it("losing the event stream never touches the sound", async () => {
    const { state, socket } = await seated();
    FakePeer.last().become("connected");
    socket().onclose?.({ code: 1006 });
    expect(state()).toMatchObject({ sound: "up", stream: "connecting" });
    expect(FakePeer.made).toHaveLength(1);
    expect(FakePeer.last().closed).toBe(false);
  });

  it("reconnects with the last event, and asks for a snapshot after a gap", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const promise = seated();
    await vi.advanceTimersByTimeAsync(10);
    const { socket, sockets, state } = await promise;
    socket().say({ type: "offer", seq: 18, data: offer() });
    socket().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(300);
    expect(socket().after).toBe(18);
    socket().say({ type: "resumed", seq: 18 });
    socket().say({ type: "recent", seq: 20, data: {} });
    expect(sockets).toHaveLength(3);
    expect(socket().after).toBeNull();
    socket().say(snapshot({ seq: 20, call: call() }));
    expect(state().live).toMatchObject({ seq: 20, call: { contact: "c1" }, offer: null });
    vi.useRealTimers();
  });

  it("media.reset builds a new PeerConnection with the same microphone", async () => {
    const { socket } = await seated();
    const old = FakePeer.last();
    old.become("connected");
    socket().say({ type: "media.reset", seq: 18, data: { reason: "worker" } });
    await settle();
    expect(FakePeer.made).toHaveLength(2);
    expect(old.closed).toBe(true);
    expect(microphone.tracks).toHaveLength(1);
    expect(microphone.tracks[0]?.stopped).toBe(false);
  });

  it("seat.lost closes everything and says why; the seat can be taken back", async () => {
    const { socket, app, asked } = await seated();
    const peer = FakePeer.last();
    socket().say({ type: "seat.lost", seq: 18, data: { reason: "taken-over" } });
    expect(app.store.get()).toMatchObject({ phase: "lost", lostReason: "taken-over", desk: null });
    expect(peer.closed).toBe(true);
    expect(microphone.tracks[0]?.stopped).toBe(true);
    expect(recallSeat()).toBeNull();
    await app.sit("oslo-1", true);
    expect(asked.filter((request) => request.path === "/position").at(-1)?.body).toMatchObject({ take_over: true });
    expect(app.store.get().phase).toBe("seated");
  });

  it("a stream closed because another tab has the seat does not fight for it", async () => {
    const { socket, sockets, app } = await seated();
    socket().onclose?.({ code: 4409 });
    expect(app.store.get()).toMatchObject({ phase: "lost", lostReason: "another-tab" });
    expect(sockets).toHaveLength(1);
  });

  it("an ended session leads to the sign-in", async () => {
    const { socket, answers, app } = await seated();
    answers["POST /position"] = [401, refusal("not-signed-in")];
    socket().onclose?.({ code: 4401 });
    await settle();
    expect(app.store.get()).toMatchObject({ phase: "signed-out", problem: "session-ended", session: null });
  });

  it("a server that restarts is no reason to leave the seat", async () => {
    const { socket, answers, app } = await seated();
    answers["POST /position"] = [0, null];
    socket().onclose?.({ code: 1006 });
    await settle();
    expect(app.store.get().phase).toBe("seated");
  });

  it("signing out while connected is refused and said; the seat stays", async () => {
    const { answers, app, state } = await seated();
    answers["DELETE /session"] = [409, refusal("busy")];
    await app.signOut();
    expect(app.store.get().phase).toBe("seated");
    expect(state().toasts).toMatchObject([{ code: "busy" }]);
  });

  it("without a microphone says so, and takes one that comes later", async () => {
    microphone.refuse = true;
    const { desk, state } = await seated();
    expect(state().sound).toBe("no-microphone");
    expect(FakePeer.made).toHaveLength(0);
    microphone.refuse = false;
    await desk.media.changeMicrophone();
    await settle();
    FakePeer.last().become("connected");
    expect(state().sound).toBe("up");
  });

  it("a headset pulled out is replaced on the same PeerConnection", async () => {
    await seated();
    const peer = FakePeer.last();
    peer.become("connected");
    microphone.tracks[0]?.dispatchEvent(new Event("ended"));
    await settle();
    expect(peer.transceivers[0]?.sender.replaced).toBe(microphone.tracks[1]);
    expect(FakePeer.made).toHaveLength(1);
  });
});

describe("the radio key at a seat", () => {
  it("is let go when the network denies it, or the stream is lost", async () => {
    const { desk, socket, state } = await seated();
    desk.ptt.down("space", 24201);
    socket().reply();
    socket().say({ type: "talkgroup", seq: 18, data: talkgroup({ floor: "requested" }) });
    expect(state().ptt.held).toBe(24201);
    socket().say({ type: "talkgroup", seq: 19, data: talkgroup({ floor: "denied", cause: "busy" }) });
    expect(state().ptt.held).toBeNull();
    expect(socket().commands.map((command) => command.args["on"])).toEqual([true, false]);

    desk.ptt.down("space", 24201);
    socket().onclose?.({ code: 1006 });
    expect(state().ptt.held).toBeNull();
  });

  it("a refused command is said once, in a toast", async () => {
    const { desk, socket, state } = await seated();
    desk.ptt.down("space", 24202);
    socket().reply({ ok: false, code: "not-monitored", message: "" });
    await settle();
    expect(state()).toMatchObject({
      ptt: { held: null, refused: "not-monitored" },
      toasts: [{ code: "not-monitored" }],
    });
  });
});
