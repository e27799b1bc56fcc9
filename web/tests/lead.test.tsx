import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { StaffRow } from "../src/api/staff";
import { FIGURES_MS } from "../src/ui/Figures";
import { refusal, SESSION } from "./fakes";
import { call, me, NOW_MS } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const LEAD = { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } };
const REASONS = [
  { reason: "meal", name_nb: "Mat", name_en: "Food", working_time: false, chosen: true },
  { reason: "missed-offers", name_nb: "Svarte ikke", name_en: "Did not answer", working_time: false, chosen: false },
];
const staffRow = (part: Partial<StaffRow> = {}): StaffRow => ({
  operator: "ola",
  name: "Ola Nordmann",
  position: "oslo-2",
  room: "oslo",
  activity: "break",
  reason: "meal",
  state: "idle",
  since_ms: NOW_MS,
  contact: null,
  contact_kind: null,
  wrap_up_until_ms: null,
  missed: 4,
  rejected: 0,
  misses_in_row: 2,
  reserved: false,
  chats: [],
  skills: {},
  note: "tilbake 12:30",
  on_since_ms: NOW_MS,
  activity_since_ms: NOW_MS - 60_000,
  leaving: false,
  forced: null,
  hand_over: null,
  loan: null,
  ...part,
});
const lead = (part: Parameters<typeof seatedConsole>[0], more = {}) =>
  seatedConsole(
    { me: me({ leads: ["oslo"] }), reasons: REASONS, ...part },
    { ...TABLE, "GET /session": [200, LEAD], ...more },
  );

describe("the shift lead's list", () => {
  it("shows what people say, why, since when, what the system sees, and on whose loan", async () => {
    const loan = {
      loan: "l1",
      room: "bergen",
      room_name: "AMK Bergen",
      until_ms: NOW_MS,
      asked: false,
      queues: [],
      own_emergencies: true,
      by_name: "Sofie",
    };
    const { user } = await lead({ staff: [staffRow({ loan })] });
    await user.click(id("tab-room"));
    expect(id("staff-ola")).toHaveTextContent(/AMK Oslo 2Pause 1:00 · Mat · tilbake 12:30/);
    expect(id("staff-ola")).toHaveTextContent("2 / 4");
    expect(id("staff-ola")).toHaveTextContent("Lånt til AMK Bergen");
  });

  it("says who is kept for the room's own emergencies, to the lead and to that person", async () => {
    const { user, event } = await lead({ staff: [staffRow()] });
    await user.click(id("tab-room"));
    expect(id("staff-ola")).not.toHaveTextContent("i reserve");
    await event("staff", [staffRow({ state: "idle", activity: "available", reserved: true })]);
    expect(id("staff-ola")).toHaveTextContent("i reserve");
    const mine = { operator: "kari", name: "Kari", position: "oslo-1", room: "oslo", activity: "available" };
    await event("operators", [
      { ...mine, state: "idle", since_ms: NOW_MS, contact: null, reserved: true, chat_room: 0 },
    ]);
    expect(id("my-reserve")).toHaveTextContent("I reserve");
    await event("operators", []);
    expect(screen.queryByTestId("my-reserve")).toBeNull();
  });

  it("sets somebody not ready with a reason and a note; a refusal stays on the screen", async () => {
    const { user, last, reply } = await lead({ staff: [staffRow()] });
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    await user.selectOptions(id("staff-reason"), "meal");
    await user.type(id("staff-note"), "Ta en pause");
    await user.click(id("force-not-ready"));
    const args = { operator: "ola", to: "not-ready", reason: "meal", note: "Ta en pause" };
    expect(last()).toMatchObject({ name: "staff.force", args });
    await reply({ ok: false, code: "not-lead", message: "" });
    expect(screen.getByText("Du leder ikke dette rommet.")).toBeInTheDocument();
    await user.click(id("force-signed-out"));
    expect(last()).toMatchObject({ args: { to: "signed-out", reason: "" } });
    await reply();
    expect(screen.queryByTestId("staff-set")).toBeNull();
  });

  it("shows what somebody can do, in the reader's language; a word of no catalogue as it is", async () => {
    const emd = { skill: "emd", name_nb: "Nødmelding", name_en: "Emergency calls", description: "Kurs A" };
    const { user, event } = await lead({ staff: [staffRow({ skills: { x9: 2, emd: 7 } })], skills: [emd] });
    expect(id("queue-113-oslo").firstElementChild).toHaveAttribute("title", "113 Oslo\nKrever: Nødmelding 3, ger 1");
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    expect(id("their-skills")).toHaveTextContent("Ferdigheter: Nødmelding 7x9 2");
    expect(screen.getByText("Nødmelding", { selector: ".mark" })).toHaveAttribute("title", "Kurs A");
    await event("staff", [staffRow()]);
    expect(id("their-skills")).toHaveTextContent("Ferdigheter: ingen");
    await user.click(screen.getByRole("button", { name: "Lukk" }));
    await user.click(id("lang-en"));
    expect(id("queue-113-oslo").firstElementChild).toHaveAttribute(
      "title",
      "113 Oslo\nNeeds: Emergency calls 3, ger 1",
    );
  });

  it("listens in, whispers and takes over only where a call is up and the lead is free", async () => {
    const busy = staffRow({ state: "busy", contact: "c9" });
    const { user, last, event, reply } = await lead({ staff: [staffRow()] });
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    expect(id("lead-listen")).toHaveAccessibleDescription("Ikke nå: ingen samtale er i gang");
    await event("staff", [busy]);
    await user.click(id("lead-whisper"));
    expect(last()).toMatchObject({ name: "contact.listen", args: { contact: "c9", whisper: true } });
    await reply({ ok: false, code: "busy", message: "" });
    await user.click(id("lead-take-over"));
    expect(last()).toMatchObject({ name: "contact.take_over", args: { contact: "c9" } });
    await reply({ ok: false, code: "not-yours", message: "" });
    await event("call", call());
    expect(id("lead-listen")).toHaveAttribute("aria-disabled", "true");
  });

  it("listens to no alarm and no radio's emergency, where nobody is heard, but takes them over", async () => {
    const has = (contact_kind: StaffRow["contact_kind"]) => staffRow({ state: "busy", contact: "c9", contact_kind });
    const { user, last, event } = await lead({ staff: [has("alarm")] });
    await user.click(id("tab-room"));
    await user.click(id("manage-ola"));
    for (const kind of ["alarm", "radio"] as const) {
      await event("staff", [has(kind)]);
      for (const button of ["lead-listen", "lead-whisper"]) {
        expect(id(button)).toHaveAttribute("aria-disabled", "true");
        expect(id(button)).toHaveAccessibleDescription("Ikke nå: det er ingen lyd å høre");
      }
      expect(id("lead-take-over")).not.toHaveAttribute("aria-disabled", "true");
    }
    await event("staff", [has("video")]);
    await user.click(id("lead-listen"));
    expect(last()).toMatchObject({ name: "contact.listen" });
  });

  it("and the figures are not there for others", async () => {
    await seatedConsole({ staff: [staffRow()] });
    expect(screen.queryByTestId("tab-room")).toBeNull();
    expect(screen.queryByTestId("tab-figures")).toBeNull();
  });
});

describe("the lead's rooms", () => {
  const room = { name: "AMK Oslo", state: "open" as const, reason: "", by: null, by_name: null, since_ms: null };

  it("are closed and evacuated with a reason by two presses, opened by one; others' rooms are not there", async () => {
    const rooms = [
      { ...room, room: "oslo" },
      { ...room, room: "bergen", name: "AMK Bergen" },
    ];
    const { user, last, reply, event, socket } = await lead({ rooms });
    await user.click(id("tab-room"));
    await user.click(id("open-rooms"));
    expect(screen.queryByTestId("room-bergen")).toBeNull();
    await user.type(id("room-oslo-why"), "Brannalarm");
    await user.click(id("room-oslo-evacuated"));
    expect(id("room-oslo-evacuated")).toHaveTextContent("Trykk igjen");
    expect(socket().commands).toHaveLength(0);
    await user.click(id("room-oslo-evacuated"));
    const args = { room: "oslo", state: "evacuated", reason: "Brannalarm" };
    expect(last()).toMatchObject({ name: "room.set", args });
    await reply();
    const evacuated = { ...room, room: "oslo", state: "evacuated", reason: "Brannalarm", by_name: "Kari Nordmann" };
    await event("rooms", [evacuated]);
    expect(id("room-oslo")).toHaveTextContent("Brannalarm · Kari Nordmann");
    await user.click(id("room-oslo-open"));
    expect(last()).toMatchObject({ name: "room.set", args: { room: "oslo", state: "open", reason: "" } });
  });
});

describe("the figures", () => {
  const PATH = "GET /statistics/live?by=queue";
  const row = {
    key: "113-oslo",
    room: "oslo",
    waiting: 2,
    longest_since_ms: NOW_MS - 8_000,
    threshold_ms: 10_000,
    goal_percent: 90,
    half_hour: {},
    today: { offered: 210, answered: 204, abandoned: 6, service_level_negative_percent: 88.25 },
  };
  const answer = { by: "queue", now_ms: NOW_MS, half_hour_ms: NOW_MS, day_start_ms: 0, complete: true };

  it("are today's of each queue, with the goal; asked for only while they are shown", async () => {
    const { user, paths } = await lead({}, { [PATH]: [200, { ...answer, rows: [row] }] });
    const asked = () => paths().filter((path) => path === PATH).length;
    expect(asked()).toBe(0);
    await user.click(id("tab-figures"));
    const shown = await screen.findByTestId("figures-113-oslo");
    expect(shown).toHaveTextContent(/113 Oslo88,3 % under målet90 % innen 10 s20:082046/);
    expect(shown).toHaveAttribute("data-goal", "missed");
    expect(asked()).toBe(1);
    await user.click(id("tab-recent"));
    await user.click(id("tab-figures"));
    await screen.findByTestId("figures-113-oslo");
    expect(asked()).toBe(2);
    expect(FIGURES_MS).toBeGreaterThanOrEqual(2_000);
  });

  it("say when there are none", async () => {
    const { user } = await lead({}, { [PATH]: [503, refusal("unavailable")] });
    await user.click(id("tab-figures"));
    expect(await screen.findByText(/ikke tilgjengelig akkurat nå/)).toBeInTheDocument();
  });
});

describe("an operator's day", () => {
  const forced = {
    to: "not-ready" as const,
    by: "sofie",
    by_name: "Sofie Haugen",
    at_ms: NOW_MS,
    reason: "meal",
    note: "Ta en pause",
    waits: false,
  };

  it("has the organisation's reasons in the console's language, and never those only the server gives", async () => {
    const { user, last } = await seatedConsole({ reasons: REASONS });
    expect([...id("activity-reason").querySelectorAll("option")].map((one) => one.textContent)).toEqual([
      "Pausegrunn",
      "Mat",
    ]);
    await user.selectOptions(id("activity-reason"), "meal");
    expect(last()).toMatchObject({ name: "activity.set", args: { activity: "break", reason: "meal" } });
  });

  it("says who set somebody not ready and why, or that offers were not answered", async () => {
    const away = me({ activity: "break", reason: "meal", note: "Ta en pause", forced });
    const { event } = await seatedConsole({ reasons: REASONS, me: away });
    expect(id("why-away")).toHaveTextContent("Sofie Haugen har satt deg ikke klar. Mat · Ta en pause");
    await event("me", me({ activity: "break", reason: "missed-offers" }));
    expect(id("why-away")).toHaveTextContent("flere tilbud på rad ikke ble besvart. Svarte ikke");
    await event("me", me());
    expect(screen.queryByTestId("why-away")).toBeNull();
  });

  it("gives more time in the paper work, as long as there is some to give", async () => {
    const wrapUp = me({ state: "wrap-up", wrap_up_until_ms: NOW_MS + 5_000 });
    const { user, last, reply, event, socket } = await seatedConsole({ me: wrapUp });
    await user.keyboard("+");
    expect(last()).toMatchObject({ name: "wrapup.extend", args: { seconds: 60 } });
    await reply();
    await event("me", { ...wrapUp, wrap_up_extension_left_ms: 0 });
    expect(id("wrap-up-extend")).toHaveAccessibleDescription("Ikke nå: det er ikke mer tid å gi");
    await user.click(id("wrap-up-extend"));
    await user.keyboard("+");
    expect(socket().commands).toHaveLength(1);
  });

  it("tells of the next shift at the position, and lets it be called off or not waited for", async () => {
    const hand_over = {
      position: "oslo-1",
      outgoing: "kari",
      outgoing_name: "Kari Nordmann",
      incoming: "ola",
      incoming_name: "Ola Nordmann",
      since_ms: NOW_MS,
      until_ms: NOW_MS + 1,
    };
    const { user, last, event } = await seatedConsole({ me: me({ hand_over, leaving: true }), call: call() });
    expect(screen.queryByTestId("leaving")).toBeNull();
    expect(id("hand-over")).toHaveTextContent("Ola Nordmann venter på å ta over plassen.");
    expect(id("hand-over-now")).toBeDisabled();
    await event("call", call({ state: "held" }));
    await user.click(id("hand-over-now"));
    expect(last()).toMatchObject({ name: "handover.now" });
    await user.click(id("hand-over-cancel"));
    expect(last()).toMatchObject({ name: "handover.cancel" });
  });

  it("asks for a loan, and shows one that runs, and that a sign-out waits", async () => {
    const loan = {
      loan: "l1",
      room: "bergen",
      room_name: "AMK Bergen",
      until_ms: NOW_MS,
      asked: true,
      queues: [],
      own_emergencies: true,
      by_name: "Sofie Haugen",
    };
    const { user, last, event } = await seatedConsole({ me: me({ loan }) });
    expect(id("on-loan")).toHaveTextContent("Sofie Haugen spør om du kan hjelpe AMK Bergen");
    await user.click(id("loan-no"));
    expect(last()).toMatchObject({ name: "loan.answer", args: { loan: "l1", yes: false } });
    await event("me", me({ loan: { ...loan, asked: false }, leaving: true, forced: { ...forced, to: "signed-out" } }));
    expect(id("on-loan")).toHaveTextContent("Du er lånt til AMK Bergen");
    expect(screen.queryByTestId("loan-yes")).toBeNull();
    expect(id("leaving")).toHaveTextContent("Sofie Haugen har logget deg ut");
  });
});
