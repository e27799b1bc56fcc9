import { describe, expect, it } from "vitest";
import { type KeyContext, type KeyPress, keyAction, readKey } from "../src/ui/keys";

const calm: KeyContext = { offer: false, call: false, wrapUp: false, chatOffer: false, chats: false, alarm: false };
const press = (key: string, part: Partial<KeyPress> = {}): KeyPress => ({
  key,
  modified: false,
  repeat: false,
  typing: false,
  onButton: false,
  inDialog: false,
  ...part,
});
const act = (key: string, context: Partial<KeyContext> = {}, part: Partial<KeyPress> = {}) =>
  keyAction(press(key, part), { ...calm, ...context })?.do ?? null;

describe("keys", () => {
  it("Enter answers and Escape rejects an offer, and nothing otherwise", () => {
    expect(act("Enter", { offer: true })).toBe("answer");
    expect(act("Escape", { offer: true })).toBe("reject");
    expect(act("Enter")).toBeNull();
    expect(act("Escape", { call: true })).toBeNull();
  });

  it("Enter on the offer's own buttons is theirs: Reject must not answer", () => {
    expect(act("Enter", { offer: true }, { onButton: true })).toBeNull();
  });

  it.each([
    ["h", "hold"],
    ["H", "hold"],
    ["l", "hangup"],
    ["p", "patch"],
    ["t", "transfer"],
    ["v", "video"],
    ["c", "caller-talk"],
    ["k", "keypad"],
    ["x", "triple"],
    ["g", "leave"],
  ])("%s works on a call only", (key, action) => {
    expect(act(key, { call: true })).toBe(action);
    expect(act(key)).toBeNull();
  });

  it("Space is the radio key always, also repeated", () => {
    expect(act(" ")).toBe("ptt");
    expect(act(" ", { call: true }, { repeat: true, onButton: true })).toBe("ptt");
  });

  it("a held letter acts once", () => {
    expect(act("l", { call: true }, { repeat: true })).toBeNull();
  });

  it("nothing is ours while typing, in a dialog or with Ctrl, Alt or Meta", () => {
    for (const key of [" ", "Enter", "Escape", "h", "?", "1"]) {
      expect(act(key, { offer: true, call: true }, { typing: true })).toBeNull();
      expect(act(key, { offer: true, call: true }, { inDialog: true })).toBeNull();
      expect(act(key, { offer: true, call: true }, { modified: true })).toBeNull();
    }
  });

  it("digits select a talkgroup, ? helps, D ends the wrap-up", () => {
    expect(keyAction(press("3"), calm)).toEqual({ do: "select", index: 2 });
    expect(act("0")).toBeNull();
    expect(act("?")).toBe("help");
    expect(act("d", { wrapUp: true })).toBe("done");
    expect(act("d")).toBeNull();
  });

  it("N dials, adds to a call, and leaves an offer alone; F follows up", () => {
    expect(act("n")).toBe("dial");
    expect(act("n", { wrapUp: true })).toBe("dial");
    expect(act("n", { call: true })).toBe("add");
    expect(act("n", { offer: true })).toBeNull();
    expect(act("f", { call: true })).toBe("follow-up");
  });

  it("sees where the focus is", () => {
    document.body.innerHTML =
      '<input id="text"><input type="checkbox" id="box"><select id="choice"></select><div data-own-enter><b id="own"></b></div>';
    const on = (id: string) => {
      let seen: KeyPress | null = null;
      const target = document.getElementById(id);
      const look = (event: KeyboardEvent) => {
        seen = readKey(event);
      };
      target?.addEventListener("keydown", look);
      target?.dispatchEvent(new KeyboardEvent("keydown", { key: "x", ctrlKey: id === "own" }));
      return seen;
    };
    expect(on("text")).toMatchObject({ typing: true, onButton: false });
    expect(on("box")).toMatchObject({ typing: false });
    expect(on("choice")).toMatchObject({ typing: true });
    expect(on("own")).toMatchObject({ onButton: true, modified: true });
  });
});
