import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Incident } from "../src/api/moves";
import { clock } from "../src/ui/format";
import { call, NOW_MS, offer, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole } from "./seated";

eachInItsOwnBrowser();

const incident: Incident = {
  incident: "i1",
  area: "Lillehammer",
  latitude: null,
  longitude: null,
  calls: 7,
  first_ms: NOW_MS - 60_000,
  last_ms: NOW_MS,
  queues: ["113-oslo"],
};
const flag = {
  mode: "flagged" as const,
  reason: "Truende",
  by: "ola",
  by_name: "Ola Nordmann",
  at_ms: NOW_MS,
  until_ms: NOW_MS + 1,
};
const FIRST_MS = NOW_MS - 300_000;
const repeat = { case: "c0", calls: 3, first_arrived_at_ms: FIRST_MS, answered: false };

describe("a row of who waits", () => {
  it.each([
    ["nb", "Utløst 2 ganger", "Avblåst", "Avblåst ved radioen kl."],
    ["en", "Pressed 2 times", "Called off", "Called off at the radio at"],
  ])("says that a radio's emergency was called off, or pressed again (%s)", async (language, again, off, whole) => {
    localStorage.setItem("kak-language", language);
    const key = { presses: 1, pressed_at_ms: null, calmed_at_ms: null, calmed_by: "" };
    const alarm = (part: object) => waitingRow({ kind: "radio", key_pressed: { ...key, ...part } });
    const { event } = await seatedConsole({ waiting: [waitingRow({ kind: "radio" })] });
    expect(screen.queryByTestId("row-marks-c1")).toBeNull();
    await event("waiting", [alarm({ calmed_at_ms: NOW_MS })]);
    expect(id("row-marks-c1")).toHaveTextContent(`${off} ${clock(NOW_MS).slice(0, 5)}`);
    expect(id("mark-calmed")).toHaveAttribute("title", `${whole} ${clock(NOW_MS)}.`);
    await event("waiting", [alarm({ presses: 2, pressed_at_ms: NOW_MS })]);
    expect(id("row-marks-c1")).toHaveTextContent(again);
    expect(screen.queryByTestId("mark-calmed")).toBeNull();
  });

  it("says that somebody is asked apart from the queue's name, which alone gives way", async () => {
    const long = waitingRow({
      contact: "c2",
      queue: "lv",
      queue_name: "Legevakt 116117 Oslo og omegn",
      state: "offered",
    });
    await seatedConsole({ waiting: [waitingRow({ state: "waiting" }), long] });
    const rings = id("waiting-c2").querySelector(".waiting-rings");
    expect(rings).toHaveTextContent(/^ringer ut$/);
    const what = id("waiting-c2").querySelector(".waiting-what");
    expect(what).toHaveAttribute("title", expect.stringContaining("Legevakt 116117 Oslo og omegn · "));
    expect(what).not.toContainElement(rings as HTMLElement);
    expect(id(`waiting-${waitingRow().contact}`).querySelector(".waiting-rings")).toBeNull();
  });
});

describe("what is known of a caller", () => {
  it("is on the rows of who waits, and on the queue", async () => {
    const row = waitingRow({ calls: 3, first_arrived_at_ms: FIRST_MS, flagged: true, incident: "i1" });
    const { event } = await seatedConsole({
      waiting: [row, waitingRow({ contact: "c2" })],
      surges: [incident],
      flags: [{ ...flag, number: row.caller }],
      queues: [
        {
          queue: "113-oslo",
          name: "113 Oslo",
          class: "emergency",
          waiting: 2,
          longest_since_ms: null,
          available: 0,
          incidents: ["i1"],
          of_room: null,
          skills: {},
        },
      ],
    });
    expect(id("row-marks-c1")).toHaveTextContent("⚑ Truende");
    expect(id("row-marks-c1")).toHaveTextContent(`3 · ${clock(FIRST_MS).slice(0, 5)}`);
    expect(screen.queryByTestId("row-marks-c2")).toBeNull();
    expect(id("queue-113-oslo")).toHaveTextContent("Trolig samme hendelse7");
    await event("surges", [{ ...incident, calls: 9 }]);
    expect(id("row-marks-c1")).toHaveTextContent("Trolig samme hendelse9");
    await event("surges", []);
    expect(id("queue-113-oslo")).not.toHaveTextContent("hendelse");
  });

  it("is on offer and card", async () => {
    const { event } = await seatedConsole({ offer: offer({ repeat, flag, incident }) });
    for (const part of ["Ringer for 3. gang", "har ikke fått svar før", "Lillehammer: 7 anrop", "Merket: Truende"])
      expect(id("marks")).toHaveTextContent(part);
    await event("call", call({ repeat: { ...repeat, answered: true }, flag: { ...flag, mode: "blocked" } }));
    expect(id("marks")).toHaveTextContent("Sperret for vanlige køer: Truende");
    expect(id("marks")).not.toHaveTextContent("har ikke fått svar");
  });

  it("says that a colleague was first, and lets nobody answer twice", async () => {
    const { event } = await seatedConsole({ offer: offer() });
    expect(id("offer-answer")).toBeEnabled();
    await event("offer", offer({ standby: true }));
    expect(id("offer-left")).toHaveTextContent("En kollega svarte først.");
    expect(id("offer-answer")).toBeDisabled();
  });

  it("says who invites, when a colleague does", async () => {
    await seatedConsole({ offer: offer({ purpose: "consult", invited_by: "ola", invited_by_name: "Ola Nordmann" }) });
    expect(id("offer-invited")).toHaveTextContent("Ola Nordmann vil snakke med deg først");
  });
});

describe("a caller who says nothing", () => {
  it("is pointed out with the procedure, and marked or not", async () => {
    const silent_procedure = { nb: "Be innringeren taste 5.", en: "Ask for a 5." };
    const { user, event, last, reply } = await seatedConsole({ call: call({ silent_procedure }) });
    expect(screen.queryByTestId("silent")).toBeNull();
    await event("call", call({ silent_procedure, silence: "hint" }));
    expect(id("silent")).toHaveTextContent("Be innringeren taste 5.");
    await user.click(id("silent-mark"));
    expect(last()).toMatchObject({ name: "contact.silent", args: { contact: "c1", on: true } });
    await reply();
    await event("call", call({ silent_procedure, silence: "marked" }));
    await user.click(id("silent-mark"));
    expect(last()).toMatchObject({ name: "contact.silent", args: { contact: "c1", on: false } });
    await event("call", call({ silence: "spoke" }));
    expect(screen.queryByTestId("silent")).toBeNull();
  });
});
