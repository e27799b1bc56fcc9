import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { StaffRow } from "../src/api/staff";
import type { OperatorRow } from "../src/api/types";
import { SESSION } from "./fakes";
import { call, card, me, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const LEAD = { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } };

const row = (part: Partial<OperatorRow> = {}): OperatorRow => ({
  operator: "ola",
  name: "Ola Hansen",
  position: "oslo-2",
  room: "oslo",
  activity: "available",
  state: "busy",
  since_ms: NOW_MS,
  contact: "c9",
  reserved: false,
  chat_room: 1,
  of_room: null,
  ...part,
});
const handing = { operator: "ola", name: "Ola Hansen", since_ms: NOW_MS, expires_at_ms: NOW_MS + 15_000 };

describe("a chat that is handed on", () => {
  it("goes to a colleague who has room for it, also one in a call: E, a part of the name, Enter", async () => {
    const full = row({ operator: "per", name: "Per", state: "idle", chat_room: 0 });
    const { user, last, event, reply } = await seatedConsole({
      cards: [card({ caller_name: "Anna" })],
      operators: [full, row()],
    });
    await user.keyboard("e");
    expect(screen.getByRole("dialog")).toHaveAccessibleName("Gi chatten med Anna til en kollega");
    expect(id("give-per")).toHaveAttribute("title", "Ikke nå: har ikke plass til flere chatter");
    expect(screen.queryByTestId("consult-ola")).toBeNull();
    await user.type(id("colleague-find"), "ol{Enter}");
    expect(last()).toMatchObject({ name: "contact.transfer_operator", args: { contact: "k1", operator: "ola" } });
    await reply();
    expect(screen.queryByRole("dialog")).toBeNull();
    await event("card", card({ caller_name: "Anna", handing }));
    expect(id("chat-handing-k1")).toHaveTextContent("Ola Hansen spørres om å ta over.");
    expect(id("chat-input-k1")).toBeEnabled();
    expect(id("chat-colleague-k1")).toHaveAttribute("aria-disabled", "true");
    await user.click(id("chat-back-k1"));
    expect(last()).toMatchObject({ name: "colleague.drop", args: { contact: "k1", operator: "ola" } });
  });

  it("says who did not take it, until another is asked", async () => {
    const { event } = await seatedConsole({ cards: [card({ handing })] });
    await event("card", card());
    await event("chat.kept", { contact: "k1", operator: "ola", name: "Ola Hansen", reason: "expired" });
    expect(id("chat-kept-k1")).toHaveTextContent("Ola Hansen svarte ikke. Du har chatten.");
    await event("card", card({ handing }));
    expect(screen.queryByTestId("chat-kept-k1")).toBeNull();
    await event("card", card());
    expect(screen.queryByTestId("chat-kept-k1")).toBeNull();
  });

  it("beside a call or another chat goes by its own button, never by a key that could mean another", async () => {
    const { user } = await seatedConsole({ cards: [card(), card({ contact: "k2" })], operators: [row()] });
    await user.keyboard("e");
    expect(screen.queryByRole("dialog")).toBeNull();
    await user.click(id("chat-colleague-k2"));
    expect(within(screen.getByRole("dialog")).getByTestId("give-ola")).toHaveAttribute("aria-disabled", "false");
    await user.keyboard("{Escape}");
  });

  it("is offered with what was written and by whom, in the middle and beside a call", async () => {
    const messages = ["Hei", "39,5 grader"].map((text, at) => ({
      contact: "k9",
      number: at + 1,
      by: "outside" as const,
      name: "",
      text,
      at_ms: NOW_MS,
    }));
    const handed = offer({
      contact: "k9",
      epoch: 1_000_001,
      kind: "chat",
      purpose: "hand-on",
      invited_by: "kari",
      invited_by_name: "Kari",
      messages,
    });
    const { user, last, event } = await seatedConsole({ offer: handed });
    expect(id("offer-card")).toHaveTextContent("Kari vil gi deg chatten");
    expect(within(id("chat-messages-k9")).getAllByRole("listitem")).toHaveLength(2);
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept", args: { contact: "k9", epoch: 1_000_001 } });
    await event("call", call());
    expect(id("chat-offer")).toHaveTextContent("Kari vil gi deg chatten");
    expect(id("chat-offer")).toHaveTextContent("39,5 grader");
  });
});

describe("a shift lead", () => {
  const staff: StaffRow = {
    operator: "ola",
    name: "Ola Nordmann",
    position: "oslo-2",
    room: "oslo",
    activity: "available",
    reason: "",
    state: "idle",
    since_ms: NOW_MS,
    contact: null,
    contact_kind: null,
    wrap_up_until_ms: null,
    missed: 0,
    rejected: 0,
    misses_in_row: 0,
    skills: {},
    reserved: false,
    chats: [
      {
        contact: "k7",
        queue: "legevakt-chat",
        queue_name: "Legevakt chat",
        class: "normal",
        caller: "",
        caller_name: "Anna",
        since_ms: NOW_MS,
      },
    ],
    note: "",
    on_since_ms: NOW_MS,
    activity_since_ms: NOW_MS,
    leaving: false,
    forced: null,
    hand_over: null,
    loan: null,
  };
  const reading = (part = {}) => ({
    contact: "k7",
    card: card({ contact: "k7", caller_name: "Anna" }),
    holder: "ola",
    holder_name: "Ola Nordmann",
    cause: "",
    text_nb: "",
    text_en: "",
    ...part,
  });
  const lead = (part = {}) =>
    seatedConsole({ me: me({ leads: ["oslo"] }), staff: [staff], ...part }, { ...TABLE, "GET /session": [200, LEAD] });

  it("looks into a chat as it is written, takes it over from there, and looks away by Escape", async () => {
    const { user, last, event, reply } = await lead();
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    expect(id("their-chat-k7")).toHaveTextContent("Anna");
    await user.click(id("lead-read-k7"));
    expect(last()).toMatchObject({ name: "contact.read", args: { contact: "k7", on: true } });
    await reply();
    await event("reading", reading());
    expect(screen.getByRole("dialog")).toHaveAccessibleName("Leser chatten med Anna");
    expect(id("reading-holder")).toHaveTextContent("Ola Nordmann har chatten");
    await event("card.message", {
      contact: "k7",
      number: 2,
      by: "outside",
      name: "",
      text: "Er du der?",
      at_ms: NOW_MS,
    });
    expect(id("chat-messages-k7")).toHaveTextContent("Er du der?");
    await user.click(id("reading-take-over"));
    expect(last()).toMatchObject({ name: "contact.take_over", args: { contact: "k7" } });
    await event("reading", reading({ holder: null, holder_name: "" }));
    expect(id("reading-take-over")).toHaveAttribute("aria-disabled", "true");
    await event("reading", reading({ card: null }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("takes a chat over in the middle of a call of their own", async () => {
    const { user, last } = await lead({ call: call() });
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    expect(id("lead-take-over")).toHaveAttribute("aria-disabled", "true");
    await user.click(id("lead-take-chat-k7"));
    expect(last()).toMatchObject({ name: "contact.take_over", args: { contact: "k7" } });
  });

  it("who reads along is seen by who has the chat", async () => {
    await seatedConsole({ cards: [card({ readers: ["Sofie Lund"] })] });
    expect(id("chat-readers-k1")).toHaveTextContent("Sofie Lund leser med.");
  });
});
