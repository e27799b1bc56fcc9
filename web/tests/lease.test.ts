import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/api/http";
import { PTT_REPEAT_MS, PttKey } from "../src/ptt/lease";

type Sent = [number, boolean];

function key(answer: () => Promise<unknown> = () => Promise.resolve()) {
  const sent: Sent[] = [];
  const changes: [number | null, string | null][] = [];
  const ptt = new PttKey({
    send: (gssi, on) => {
      sent.push([gssi, on]);
      return answer();
    },
    onChange: (held, refused) => changes.push([held, refused]),
  });
  return { ptt, sent, changes };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("the radio key", () => {
  it("is renewed while held, well inside the 500 ms of the API, and released once", () => {
    const { ptt, sent } = key();
    expect(PTT_REPEAT_MS).toBeLessThan(500);
    ptt.down("space", 1);
    vi.advanceTimersByTime(1_000);
    expect(sent).toEqual([
      [1, true],
      [1, true],
      [1, true],
      [1, true],
    ]);
    ptt.up("space");
    vi.advanceTimersByTime(5_000);
    expect(sent.slice(4)).toEqual([[1, false]]);
    expect(ptt.group).toBeNull();
  });

  it("stays down while one of two holders holds it", () => {
    const { ptt, sent } = key();
    ptt.down("space", 1);
    ptt.down("button", 1);
    ptt.up("space");
    expect(ptt.group).toBe(1);
    ptt.up("button");
    expect(sent).toEqual([
      [1, true],
      [1, false],
    ]);
  });

  it("does not key a second group while one is held", () => {
    const { ptt, sent } = key();
    ptt.down("space", 1);
    ptt.down("button", 2);
    ptt.up("button");
    expect(ptt.group).toBe(1);
    expect(sent).toEqual([[1, true]]);
  });

  it("ignores a release nobody pressed for", () => {
    const { ptt, sent, changes } = key();
    ptt.up("space");
    ptt.releaseAll();
    expect(sent).toEqual([]);
    expect(changes).toEqual([]);
  });

  it("lets go of every holder when focus or connection is lost, and does not come back by itself", () => {
    const { ptt, sent } = key();
    ptt.down("space", 1);
    ptt.down("button", 1);
    ptt.releaseAll();
    vi.advanceTimersByTime(3_000);
    ptt.up("space");
    ptt.up("button");
    expect(sent).toEqual([
      [1, true],
      [1, false],
    ]);
  });

  it("stops asking when it is refused, and says why", async () => {
    const { ptt, sent, changes } = key(() => Promise.reject(new ApiError(409, "not-monitored", "")));
    ptt.down("space", 1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sent).toEqual([
      [1, true],
      [1, false],
    ]);
    expect(changes).toEqual([
      [1, null],
      [null, "not-monitored"],
    ]);
  });

  it("does not let an old press's refusal end a new press", async () => {
    let refuse: (problem: unknown) => void = () => undefined;
    const { ptt } = key(() => new Promise((_, reject) => (refuse = reject)));
    ptt.down("space", 1);
    const late = refuse;
    ptt.up("space");
    ptt.down("space", 1);
    late(new ApiError(409, "no-radio", ""));
    await vi.advanceTimersByTimeAsync(1);
    expect(ptt.group).toBe(1);
  });
});
