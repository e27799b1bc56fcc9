import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLOSED_SEAT_LOST, EventStream, SILENCE_LIMIT_MS, type SocketLike } from "../src/api/stream";

class Socket implements SocketLike {
  onopen = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: string[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function stream() {
  const sockets: Socket[] = [];
  const asked: (number | null)[] = [];
  const seen: string[] = [];
  const refused: number[] = [];
  const events = new EventStream({
    open: (after) => {
      asked.push(after);
      sockets.push(new Socket());
      return last();
    },
    onMessage: (message) => seen.push(message.type),
    onState: (state) => seen.push(`[${state}]`),
    onRefused: (code) => refused.push(code),
    random: () => 1,
  });
  const last = (): Socket => {
    const socket = sockets.at(-1);
    if (!socket) throw new Error("no socket");
    return socket;
  };
  return { events, sockets, asked, seen, refused, last };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the event stream", () => {
  it("asks for a snapshot first, is open with the first message and answers pings", () => {
    const { events, asked, seen, last } = stream();
    events.start();
    expect(asked).toEqual([null]);
    expect(events.send({ type: "x" })).toBe(false);
    last().say({ type: "ping" });
    last().say({ type: "snapshot", seq: 17 });
    expect(seen).toEqual(["[connecting]", "[open]", "snapshot"]);
    expect(last().sent).toEqual(['{"type":"pong"}']);
    expect(events.send({ type: "x" })).toBe(true);
  });

  it("takes several messages of one frame in order, and none of a frame in which one is no message", () => {
    const { events, seen, asked, last } = stream();
    events.start();
    last().say([{ type: "snapshot", seq: 17 }, { type: "ping" }, { type: "recent", seq: 18 }]);
    expect(seen).toEqual(["[connecting]", "[open]", "snapshot", "recent"]);
    expect(last().sent).toEqual(['{"type":"pong"}']);
    last().say([{ type: "recent", seq: 19 }, 20]);
    expect(seen.filter((name) => name === "recent")).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  it("stops at the message of a frame that ends the connection", () => {
    const { events, seen, last } = stream();
    const onMessage = (message: { type: string }) => seen.push(message.type) && events.stop();
    Object.assign((events as unknown as { options: object }).options, { onMessage });
    events.start();
    last().say([
      { type: "snapshot", seq: 1 },
      { type: "recent", seq: 2 },
    ]);
    expect(seen).toEqual(["[connecting]", "[open]", "snapshot", "[closed]"]);
  });

  it("reconnects from the last event applied, with back-off from 200 ms to 3 s", () => {
    const { events, asked, sockets, last } = stream();
    events.start();
    last().say({ type: "snapshot", seq: 17 });
    events.applied(21);
    const waits = [200, 400, 800, 1_600, 3_000, 3_000];
    for (const [n, wait_ms] of waits.entries()) {
      last().onclose?.({ code: 1006 });
      vi.advanceTimersByTime(wait_ms - 1);
      expect(sockets).toHaveLength(n + 1);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(n + 2);
    }
    expect(asked.slice(1)).toEqual(waits.map(() => 21));
  });

  it("starts the back-off anew once it was heard", () => {
    const { events, sockets, last } = stream();
    events.start();
    for (const wait_ms of [200, 400]) {
      last().onclose?.({ code: 1006 });
      vi.advanceTimersByTime(wait_ms);
    }
    last().say({ type: "resumed", seq: 1 });
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(200);
    expect(sockets).toHaveLength(4);
  });

  it("takes silence for a dead connection", () => {
    const { events, sockets, last } = stream();
    events.start();
    last().say({ type: "snapshot", seq: 1 });
    vi.advanceTimersByTime(SILENCE_LIMIT_MS - 1);
    last().say({ type: "ping" });
    vi.advanceTimersByTime(SILENCE_LIMIT_MS - 1);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1 + 200);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.closed).toBe(true);
  });

  it("resync asks for a snapshot at once, and the old socket is heard no more", () => {
    const { events, asked, sockets, seen, last } = stream();
    events.start();
    last().say({ type: "snapshot", seq: 17 });
    events.applied(17);
    const old = last();
    const hear = old.onmessage;
    events.resync();
    hear?.({ data: '{"type":"recent","seq":99,"data":{}}' });
    expect(asked).toEqual([null, null]);
    expect(sockets[0]?.closed).toBe(true);
    expect(seen).not.toContain("recent");
  });

  it("a message that is no message asks for a snapshot", () => {
    const { events, asked, last } = stream();
    events.start();
    events.applied(5);
    for (const data of ["{", "7", "null", '"x"', new ArrayBuffer(1)]) last().onmessage?.({ data });
    expect(asked).toEqual([null, null, null, null, null, null]);
  });

  it("tells of a refusal: closed before a word, or with the code of a lost seat", () => {
    const { events, refused, last } = stream();
    events.start();
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(200);
    last().say({ type: "snapshot", seq: 1 });
    last().onclose?.({ code: 1012 });
    vi.advanceTimersByTime(400);
    last().say({ type: "resumed", seq: 1 });
    last().onclose?.({ code: CLOSED_SEAT_LOST });
    expect(refused).toEqual([1006, CLOSED_SEAT_LOST]);
  });

  it("stops for good", () => {
    const { events, sockets, seen, last } = stream();
    events.start();
    last().onclose?.({ code: 1006 });
    events.stop();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(seen.at(-1)).toBe("[closed]");
  });
});
