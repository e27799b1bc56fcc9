import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DISCONNECTED_LIMIT_MS, SeatMedia } from "../src/media/seat";
import { FakePeer, installBrowser, microphone } from "./fakes";

function seat(exchange: (sdp: string) => Promise<string> = async () => "answer", raw = false) {
  const media = new SeatMedia({ exchange, onChange: () => undefined, raw, microphoneId: () => null });
  return media;
}

const turn = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  installBrowser();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the seat's sound", () => {
  it("asks for the microphone with or without processing", async () => {
    const asked = vi.spyOn(navigator.mediaDevices, "getUserMedia");
    await seat().start();
    await seat(undefined, true).start();
    const audio = asked.mock.calls.map(([wanted]) => wanted?.audio);
    expect(audio).toEqual([
      { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    ]);
  });

  it("hands out headset and speaker by their m-lines", async () => {
    const media = seat();
    await media.start();
    await turn();
    const speaker = FakePeer.last().deliver(1);
    const headset = FakePeer.last().deliver(0);
    expect(media.headsetStream?.getTracks()).toEqual([headset]);
    expect(media.speakerStream?.getTracks()).toEqual([speaker]);
  });

  it("waits for a short disconnection to heal, then rebuilds", async () => {
    const media = seat();
    await media.start();
    await turn();
    const peer = FakePeer.last();
    peer.become("connected");
    peer.become("disconnected");
    await turn(DISCONNECTED_LIMIT_MS - 1);
    peer.become("connected");
    await turn(DISCONNECTED_LIMIT_MS);
    expect(FakePeer.made).toHaveLength(1);
    expect(media.state).toBe("up");
    peer.become("disconnected");
    await turn(DISCONNECTED_LIMIT_MS + 250);
    expect(FakePeer.made).toHaveLength(2);
    expect(peer.closed).toBe(true);
    expect(media.state).toBe("reconnecting");
  });

  it("backs off while the server does not answer, and is up when it does", async () => {
    let up = false;
    const media = seat(async () => {
      if (!up) throw new Error("no");
      return "answer";
    });
    await media.start();
    const made: number[] = [];
    for (const wait_ms of [250, 500, 1_000, 2_000, 4_000, 4_000]) {
      await turn(wait_ms);
      made.push(FakePeer.made.length);
    }
    expect(made).toEqual([2, 3, 4, 5, 6, 7]);
    up = true;
    await turn(4_000);
    FakePeer.last().become("connected");
    expect(media.state).toBe("up");
  });

  it("gives up an attempt that never connects", async () => {
    const media = seat();
    await media.start();
    await turn(6_000 + 250);
    expect(FakePeer.made).toHaveLength(2);
    expect(media.state).toBe("reconnecting");
  });

  it("what an old PeerConnection still says does not count", async () => {
    const media = seat();
    await media.start();
    await turn();
    const old = FakePeer.last();
    media.reset();
    await turn();
    FakePeer.last().become("connected");
    old.become("failed");
    await turn(10_000);
    expect(FakePeer.made).toHaveLength(2);
    expect(media.state).toBe("up");
  });

  it("stop closes the connection and the microphone, also while it is being asked for", async () => {
    const media = seat();
    const starting = media.start();
    media.stop();
    await starting;
    expect(microphone.tracks.every((track) => track.stopped)).toBe(true);
    expect(FakePeer.made).toHaveLength(0);
    expect(media.state).toBe("off");
  });
});
