import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Colleague, Parked } from "../src/api/moves";
import type { OperatorRow } from "../src/api/types";
import { whyNot } from "../src/ui/moves";
import { call, me, NOW_MS, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const colleague = (part: Partial<Colleague> = {}): Colleague => ({
  operator: "ola",
  name: "Ola Nordmann",
  position: "oslo-2",
  part: "consult",
  state: "joined",
  since_ms: NOW_MS,
  expires_at_ms: null,
  ...part,
});
const row = (part: Partial<OperatorRow> = {}): OperatorRow => ({
  operator: "ola",
  name: "Ola Nordmann",
  position: "oslo-2",
  room: "oslo",
  activity: "available",
  state: "idle",
  since_ms: NOW_MS,
  contact: null,
  reserved: false,
  chat_room: 0,
  of_room: null,
  ...part,
});
const parked: Parked = {
  contact: "p1",
  slot: 2,
  queue: "113-oslo",
  queue_name: "113 Oslo",
  class: "emergency",
  caller: "+4799112233",
  by: "ola",
  by_name: "Ola Nordmann",
  since_ms: NOW_MS - 30_000,
  recall_at_ms: NOW_MS + 10_000,
  of_room: null,
};

describe("what can be done with a call now", () => {
  it("is said by one table", () => {
    const rings = call({ colleagues: [colleague({ state: "invited" })] });
    const talks = call({ colleagues: [colleague()] });
    expect(whyNot("park", call())).toBeNull();
    expect(whyNot("park", call({ state: "connecting" }))).toBe("error.not-connected");
    expect(whyNot("park", talks)).toBe("error.others-there");
    expect(whyNot("park", rings)).toBeNull(); // the server withdraws the invitation
    expect(whyNot("park", call({ colleagues: [colleague({ part: "listen" })] }))).toBeNull();
    expect(whyNot("park", call({ part: "member" }))).toBe("move.not_holder");
    expect(whyNot("colleague", call({ far_end: "gone" }))).toBe("far.gone");
    expect(whyNot("colleague", talks)).toBe("move.one_at_a_time");
    for (const move of ["swap", "merge", "complete"] as const) {
      expect(whyNot(move, call())).toBe("move.nobody_asked");
      expect(whyNot(move, rings)).toBe("move.still_rings");
      expect(whyNot(move, talks)).toBeNull();
    }
  });

  it("stands on the buttons: one that cannot be does nothing and says why", async () => {
    const { user, socket } = await seatedConsole({ call: call() });
    expect(id("consult-swap")).toHaveAttribute("aria-disabled", "true");
    expect(id("consult-swap")).toHaveAccessibleDescription("Ikke nå: ingen kollega er spurt først");
    await user.click(id("consult-swap"));
    await user.keyboard("wjjoo");
    expect(socket().commands).toHaveLength(0);
    expect(id("call-park")).toHaveAttribute("aria-disabled", "false");
  });
});

describe("parking", () => {
  it("is one key, and U leads to the slots with the time that is left", async () => {
    const { user, last, reply, event } = await seatedConsole({ call: call() });
    await user.keyboard("s");
    expect(last()).toMatchObject({ name: "contact.park", args: { contact: "c1" } });
    await reply({ ok: true, result: { slot: 2 } });
    await event("parked", [parked]);
    await event("call.ended", { contact: "c1", cause: "parked", text_nb: "", text_en: "" });
    expect(id("tab-parked")).toHaveTextContent("Parkert1");
    await user.keyboard("u");
    await screen.findByTestId("parked-p1");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(id("unpark-p1")).toHaveFocus();
    expect(id("recall-p1")).toHaveTextContent(/^0:(10|0[3-9])$/);
    expect(id("recall-p1")).toHaveClass("age-warn");
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.unpark", args: { contact: "p1" } });
  });

  it("fetches nothing while a call is up, and says so", async () => {
    const { user, socket } = await seatedConsole({ call: call(), parked: [parked] });
    await user.click(id("tab-parked"));
    await user.click(id("unpark-p1"));
    expect(socket().commands).toHaveLength(0);
    expect(id("unpark-p1")).toHaveAccessibleDescription("Ikke nå: Du er i en samtale. Avslutt den først.");
  });
});

describe("a colleague", () => {
  const operators = [
    row({ operator: "kari", name: "Kari Nordmann" }),
    row({ operator: "ingrid", name: "Ingrid Berg", state: "busy", contact: "c9" }),
    row(),
    row({ operator: "per", name: "Per Lie", activity: "break" }),
  ];

  it("is found by name and asked first with Enter; oneself is not there", async () => {
    const { user, last, reply } = await seatedConsole({ call: call(), operators });
    await user.keyboard("e");
    expect(id("colleague-find")).toHaveFocus();
    expect(screen.queryByTestId("colleague-kari")).toBeNull();
    await user.keyboard("ol{Enter}");
    const args = { contact: "c1", operator: "ola", purpose: "consult" };
    expect(last()).toMatchObject({ name: "colleague.invite", args });
    await reply();
    expect(screen.queryByTestId("colleagues")).toBeNull();
  });

  it("who is busy cannot be asked, one on a break can; a refusal is shown", async () => {
    const { user, last, reply, socket } = await seatedConsole({ call: call(), operators });
    await user.click(id("call-colleague"));
    expect(id("consult-ingrid")).toHaveAccessibleDescription("Ikke nå: I samtale");
    await user.click(id("give-ingrid"));
    expect(socket().commands).toHaveLength(0);
    await user.click(id("conference-per"));
    expect(last()).toMatchObject({ args: { operator: "per", purpose: "conference" } });
    await reply({ ok: false, code: "limit", message: "" });
    expect(screen.getByText("Det er ikke plass til flere.")).toBeInTheDocument();
    await user.click(id("give-ola"));
    const args = { contact: "c1", operator: "ola", back: true };
    expect(last()).toMatchObject({ name: "contact.transfer_operator", args });
  });

  it("of another room is found by name or room, after those at hand, and is asked or given the call", async () => {
    const there = { position: "bergen-1", room: "bergen", room_name: "AMK Bergen", activity: "available", skills: {} };
    const found = [
      { operator: "eva", name: "Eva Olsen", ...there, state: "idle", on_loan: false },
      { operator: "ole", name: "Ole Vik", ...there, state: "busy", on_loan: false },
      { operator: "ola", name: "Ola Hansen", ...there, state: "idle", on_loan: true },
    ];
    const table = {
      ...TABLE,
      "GET /operators?find=ol": [200, found],
      "GET /operators?find=eva": [200, [found[0]]],
    } satisfies Parameters<typeof seatedConsole>[1];
    const { user, last, reply, socket } = await seatedConsole({ call: call(), operators, transfer_targets: [] }, table);
    await user.keyboard("e");
    await user.keyboard("ol");
    expect(await screen.findByTestId("colleague-eva")).toHaveTextContent("AMK Bergen · Klar");
    const shown = [...id("colleagues").children].map((row) => row.getAttribute("data-testid"));
    expect(shown).toEqual(["colleague-ola", "colleague-eva", "colleague-ole"]);
    expect(id("consult-ola")).toHaveTextContent("Enter");
    expect(id("consult-ole")).toHaveAccessibleDescription("Ikke nå: I samtale");
    await user.click(id("give-eva"));
    const args = { contact: "c1", operator: "eva", back: true };
    expect(last()).toMatchObject({ name: "contact.transfer_operator", args });
    await reply({ ok: false, code: "busy", message: "" });
    await user.clear(id("colleague-find"));
    await user.keyboard("eva{Enter}");
    expect(socket().commands).toHaveLength(1);
    await screen.findByTestId("consult-eva");
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "colleague.invite", args: { operator: "eva", purpose: "consult" } });
  });

  it("somebody of a queue or a room is asked for where no colleague's name fits, with Enter or by a click", async () => {
    const rooms = [
      { room: "bergen", name: "AMK Bergen", state: "closed" as const },
      { room: "molde", name: "AMK Molde", state: "evacuated" as const },
    ].map((row) => ({ ...row, reason: "", by: null, by_name: null, since_ms: null }));
    const { user, last, reply } = await seatedConsole({ call: call(), operators, rooms });
    await user.keyboard("e");
    expect(id("seek-queue-113-oslo")).toHaveTextContent("Ledige 1 · AMK Oslo");
    expect(id("seek-room-bergen")).toHaveTextContent("Hele sentralen");
    expect(screen.queryByTestId("seek-room-molde")).toBeNull();
    await user.keyboard("113 b");
    expect(screen.queryByTestId("seek-queue-113-oslo")).toBeNull();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.consult_queue", args: { contact: "c1", queue: "113-bergen" } });
    await reply({ ok: false, code: "nobody-free", message: "" });
    expect(screen.getByText("Ingen der er ledig nå.")).toBeInTheDocument();
    await user.clear(id("colleague-find"));
    await user.click(id("seek-room-bergen"));
    expect(last()).toMatchObject({ name: "contact.consult_room", args: { contact: "c1", room: "bergen" } });
    await reply();
    expect(screen.queryByTestId("colleagues")).toBeNull();
  });

  it("the call says of whom somebody is sought, and that nobody came", async () => {
    const search = { queue: "doctor", queue_name: "Lege", room: null, asked: 2, until_ms: NOW_MS + 9_000 };
    const rings = call({ search, colleagues: [colleague({ state: "invited" })] });
    const { user, event, last } = await seatedConsole({ call: rings });
    expect(id("search")).toHaveTextContent("Noen fra LegeNr. 2 ringer");
    await user.click(id("colleague-drop-ola"));
    expect(last()).toMatchObject({ name: "colleague.drop", args: { contact: "c1", operator: "ola" } });
    const nobody = { contact: "c1", reason: "nobody", asked: 2, queue: "doctor", queue_name: "Lege", room: null };
    await event("consult.nobody", nobody);
    await event("call", call());
    expect(screen.queryByTestId("search")).toBeNull();
    expect(id("nobody-came")).toHaveTextContent("Noen fra LegeIngen kom: 2 spurt, ingen igjen");
  });

  it("who is asked is swapped with, let go, joined with and left the call by key", async () => {
    const asked = call({ state: "held", consulting: true, colleagues: [colleague()] });
    const { user, last, reply, socket } = await seatedConsole({ call: asked });
    expect(id("in-call-ola")).toHaveTextContent("Snakker med deg");
    await user.keyboard("w");
    expect(last()).toMatchObject({ name: "consult.swap", args: { contact: "c1" } });
    await reply();
    await user.keyboard("j");
    expect(socket().commands).toHaveLength(1);
    await user.keyboard("j");
    expect(last()).toMatchObject({ name: "consult.merge" });
    await reply();
    await user.keyboard("oo");
    expect(last()).toMatchObject({ name: "consult.complete" });
    await user.click(id("colleague-drop-ola"));
    expect(last()).toMatchObject({ name: "colleague.drop", args: { contact: "c1", operator: "ola" } });
  });

  it("in whose call one is decides about it: only leaving is possible", async () => {
    const theirs = call({ part: "member", holder: "ola", holder_name: "Ola Nordmann" });
    const { user, last } = await seatedConsole({ call: { ...theirs, colleagues: [colleague({ operator: "kari" })] } });
    expect(id("holder")).toHaveTextContent("Ola NordmannHar samtalen");
    for (const button of ["call-hold", "call-transfer", "call-patch", "video-invite", "party-add"])
      expect(id(button)).toBeDisabled();
    expect(id("call-hangup")).toHaveTextContent("Gå ut av samtalen");
    await user.keyboard("ll");
    expect(last()).toMatchObject({ name: "contact.hangup" });
  });

  it("a holder leaves a call in which a colleague stays", async () => {
    const shared = call({ colleagues: [colleague({ part: "member" })] });
    const { user, last } = await seatedConsole({ call: shared });
    await user.keyboard("gg");
    expect(last()).toMatchObject({ name: "contact.leave" });
  });
});

describe("what was passed on", () => {
  it("is taken back by whoever did, and nobody else", async () => {
    const waiting = [
      waitingRow({ contact: "w1", transferred_by: "kari" }),
      waitingRow({ contact: "w2", transferred_by: "ola" }),
    ];
    const { user, last } = await seatedConsole({ waiting, me: me({ state: "wrap-up" }) });
    expect(screen.queryByTestId("take-back-w2")).toBeNull();
    await user.click(id("take-back-w1"));
    expect(last()).toMatchObject({ name: "contact.pull_back", args: { contact: "w1" } });
  });
});

describe("a shift lead in somebody's call", () => {
  it("sees whom they hear, talks to the operator, and takes the call over", async () => {
    const listening = call({ part: "listen", holder: "ola", holder_name: "Ola Nordmann" });
    const { user, last, event, reply } = await seatedConsole({ call: listening });
    expect(id("listening")).toHaveTextContent("Du lytter til Ola Nordmann. Ingen hører deg.");
    await user.keyboard("w");
    expect(last()).toMatchObject({ name: "contact.listen", args: { contact: "c1", whisper: true } });
    await reply();
    await event("call", { ...listening, part: "whisper" });
    expect(id("call-whisper")).toHaveAttribute("aria-pressed", "true");
    await user.keyboard("w");
    expect(last()).toMatchObject({ args: { whisper: false } });
    await user.keyboard("o");
    expect(last()).toMatchObject({ name: "contact.listen" });
    await user.keyboard("o");
    expect(last()).toMatchObject({ name: "contact.take_over", args: { contact: "c1" } });
  });
});
