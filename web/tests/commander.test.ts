import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Commander, REPLY_TIMEOUT_MS } from "../src/api/commander";

interface Sent {
  id: string;
  name: string;
  args: unknown;
}

function commander(open = true) {
  const line = { open };
  const sent: Sent[] = [];
  const commands = new Commander("t", (message) => {
    if (line.open) sent.push(message as Sent);
    return line.open;
  });
  return { commands, sent, line };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("commands", () => {
  it("go out with an id of their own and end with its reply", async () => {
    const { commands, sent } = commander();
    const first = commands.run("contact.hold", { contact: "c1", on: true });
    const second = commands.run("wrapup.done", {});
    expect(sent[0]).toEqual({ type: "command", id: "t-1", name: "contact.hold", args: { contact: "c1", on: true } });
    commands.reply({ type: "reply", id: "t-2", ok: true, result: { a: 1 } });
    commands.reply({ type: "reply", id: "t-1", ok: false, code: "not-yours", message: "no" });
    commands.reply({ type: "reply", id: "t-1", ok: true });
    await expect(second).resolves.toEqual({ a: 1 });
    await expect(first).rejects.toMatchObject({ code: "not-yours" });
  });

  it("time out", async () => {
    const { commands } = commander();
    const late = expect(commands.run("wrapup.done", {})).rejects.toMatchObject({ code: "timeout" });
    await vi.advanceTimersByTimeAsync(REPLY_TIMEOUT_MS);
    await late;
  });

  it("sent without a connection wait for it; the same id is asked again", async () => {
    const { commands, sent, line } = commander(false);
    const answer = commands.run("contact.accept", { contact: "c1", epoch: 1 });
    expect(sent).toEqual([]);
    line.open = true;
    commands.reconnected();
    commands.reconnected();
    expect(sent.map((message) => message.id)).toEqual(["t-1", "t-1"]);
    commands.reply({ type: "reply", id: "t-1", ok: true });
    await expect(answer).resolves.toEqual({});
  });

  it("a radio key never comes late", async () => {
    const { commands, sent, line } = commander(false);
    await expect(commands.run("ptt", { gssi: 1, on: true })).rejects.toMatchObject({ code: "network" });
    line.open = true;
    const lost = expect(commands.run("ptt", { gssi: 1, on: true })).rejects.toMatchObject({ code: "network" });
    commands.reconnected();
    await lost;
    expect(sent).toHaveLength(1);
  });

  it("are bounded, and dropped with the seat", async () => {
    const { commands } = commander();
    const all = Array.from({ length: 64 }, () => commands.run("wrapup.done", {}).catch((problem) => problem.code));
    await expect(commands.run("wrapup.done", {})).rejects.toMatchObject({ code: "busy-line" });
    commands.clear();
    expect(new Set(await Promise.all(all))).toEqual(new Set(["closed"]));
  });
});
