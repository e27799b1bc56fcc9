import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Loan, StaffRow } from "../src/api/staff";
import { me, NOW_MS } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const rooms = ["Oslo", "Bergen"].map((name) => ({
  room: name.toLowerCase(),
  name: `AMK ${name}`,
  state: "open" as const,
  reason: "",
  by: null,
  by_name: null,
  since_ms: null,
}));
const loan = (part: Partial<Loan> = {}): Loan => ({
  loan: "l1",
  room: "bergen",
  room_name: "AMK bergen",
  lender: "oslo",
  lender_name: "AMK oslo",
  state: "asked",
  asked_by: "ingrid",
  asked_by_name: "Ingrid Berg",
  agreed_by: null,
  agreed_by_name: null,
  since_ms: NOW_MS,
  until_ms: NOW_MS,
  count: 2,
  named: [],
  queues: [],
  skills: {},
  note: "Brann",
  own_emergencies: true,
  asked: [],
  lent: [],
  ...part,
});
const person = (operator: string, room: string): StaffRow => ({
  operator,
  name: operator,
  position: `${room}-1`,
  room,
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
  chats: [],
  note: "",
  on_since_ms: NOW_MS,
  activity_since_ms: NOW_MS,
  leaving: false,
  forced: null,
  hand_over: null,
  loan: null,
});

const skill = (name: string, name_nb: string, name_en: string) => ({ skill: name, name_nb, name_en, description: "" });

const THERE = ["ingrid", "nils"].map((operator, at) => ({
  operator,
  name: operator,
  position: "bergen-1",
  room: "bergen",
  room_name: "AMK Bergen",
  activity: "available",
  state: "idle",
  skills: at === 0 ? { ger: 2, emd: 7 } : {},
  on_loan: at === 1,
}));

async function opened(loans: Loan[], leads = ["oslo"]) {
  const staff = [person("ola", "oslo"), person("ingrid", "bergen")];
  const table = {
    ...TABLE,
    "GET /rooms/bergen/operators": [200, THERE],
    "GET /rooms/oslo/operators": [200, []],
  } satisfies Parameters<typeof seatedConsole>[1];
  const seated = await seatedConsole({ me: me({ leads }), staff, loans, rooms }, table);
  await seated.user.click(id("tab-room"));
  await seated.user.click(id("open-loans"));
  return seated;
}

describe("loans between rooms", () => {
  it("are asked for: how many, from whom, for how long and why; a refusal is shown", async () => {
    const { user, last, reply } = await opened([]);
    await user.clear(id("loan-count"));
    await user.type(id("loan-count"), "3");
    await user.selectOptions(id("loan-minutes"), "120");
    await user.type(id("loan-note"), "Storbrann");
    await user.click(id("loan-ask"));
    const args = { room: "oslo", lender: "bergen", count: 3, minutes: 120, note: "Storbrann", operators: [] };
    expect(last()).toMatchObject({ name: "loan.ask", args });
    await reply({ ok: false, code: "bad-count", message: "" });
    expect(screen.getByText("Antallet stemmer ikke.")).toBeInTheDocument();
  });

  it("are asked for some queues, with skills that can be read", async () => {
    const { user, last, socket } = await opened([]);
    await user.type(id("loan-skills"), "ger 2, emd 11");
    await user.type(id("loan-note"), "{Enter}");
    expect(id("loan-ask")).toBeDisabled();
    expect(socket().commands).toHaveLength(0);
    expect(id("loan-skills")).toHaveAccessibleDescription(/Skriv ferdighet og nivå/);
    await user.clear(id("loan-skills"));
    await user.type(id("loan-skills"), "ger 2, emd");
    await user.click(id("loan-queue-113-oslo"));
    await user.click(id("loan-ask"));
    expect(last()).toMatchObject({ name: "loan.ask", args: { queues: ["113-oslo"], skills: { ger: 2, emd: 1 } } });
  });

  it("are asked for with skills of the catalogue, where there is one", async () => {
    const { user, last, event } = await opened([]);
    await event("skills", [skill("emd", "Nødmelding", "Emergency calls"), skill("ger", "Geriatri", "Geriatrics")]);
    await user.selectOptions(id("loan-skill"), "Nødmelding");
    await user.selectOptions(id("loan-level-emd"), "4");
    await user.selectOptions(id("loan-skill"), "Geriatri");
    expect(screen.queryByTestId("loan-skill")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Uten Geriatri" }));
    expect(id("loan-skill")).toBeInTheDocument();
    expect(id("loan-names")).toHaveTextContent("ingrid Tilgjengelig · Nødmelding 7, Geriatri 2");
    await user.click(id("loan-ask"));
    expect(last()).toMatchObject({ name: "loan.ask", args: { skills: { emd: 4 } } });
  });

  it("are asked for another room that the lead has", async () => {
    const { user, last } = await opened([], ["oslo", "bergen"]);
    await user.selectOptions(id("loan-room"), "bergen");
    await user.click(id("loan-queue-113-bergen"));
    await user.click(id("loan-ask"));
    expect(last()).toMatchObject({
      name: "loan.ask",
      args: { room: "bergen", lender: "oslo", queues: ["113-bergen"] },
    });
  });

  it("are asked for by name, of those who are on there and not lent already", async () => {
    const { user, last } = await opened([]);
    expect(await screen.findByTestId("borrow-nils")).toBeDisabled();
    await user.click(id("borrow-ingrid"));
    await user.click(id("loan-ask"));
    const args = { room: "oslo", lender: "bergen", count: 1, operators: ["ingrid"] };
    expect(last()).toMatchObject({ name: "loan.ask", args });
  });

  it("show whom was asked for by name, and give each back alone", async () => {
    const ingrid = { operator: "ingrid", name: "Ingrid Berg" };
    const nils = { operator: "nils", name: "Nils Dal" };
    const { user, last, event } = await opened([loan({ named: [ingrid] })]);
    expect(id("loan-l1")).toHaveTextContent("Ingrid Berg");
    await event("loans", [loan({ state: "running", lent: [ingrid, nils] })]);
    await user.click(id("loan-back-nils"));
    expect(last()).toMatchObject({ name: "loan.end", args: { loan: "l1", operator: "nils" } });
  });

  it("are agreed to by the lender's lead, who says which of the room's own people go", async () => {
    const { user, last } = await opened([loan()]);
    expect(id("loan-l1")).toHaveTextContent("AMK oslo → AMK bergen: 2 · bedt om");
    expect(screen.queryByTestId("lend-ingrid")).toBeNull();
    expect(id("loan-agree-l1")).toBeDisabled();
    await user.click(id("lend-ola"));
    await user.click(id("loan-own"));
    await user.click(id("loan-agree-l1"));
    const args = { loan: "l1", operators: ["ola"], own_emergencies: false };
    expect(last()).toMatchObject({ name: "loan.agree", args });
  });

  it("are ended, declined or withdrawn, and only the lender's lead agrees", async () => {
    const running = loan({ state: "running", lent: [{ operator: "ola", name: "Ola" }] });
    const { user, last, event } = await opened([running]);
    expect(id("loan-l1")).toHaveTextContent("i gang");
    expect(id("loan-l1")).toHaveTextContent("Ola");
    await user.click(id("loan-end-l1"));
    expect(last()).toMatchObject({ name: "loan.end", args: { loan: "l1", operator: null } });
    await event("loans", [loan({ lender: "bergen", room: "oslo" })]);
    expect(id("loan-end-l1")).toHaveTextContent("Trekk tilbake");
    expect(screen.queryByTestId("loan-agree-l1")).toBeNull();
    await event("loans", [loan()]);
    expect(id("loan-end-l1")).toHaveTextContent("Avslå");
  });
});
