import { screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Notice } from "../src/api/types";
import { whenFound } from "../src/ui/CallerFacts";
import { clock, duration } from "../src/ui/format";
import { onThisClock } from "../src/ui/Why";
import { abandoned, call, me, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole } from "./seated";

eachInItsOwnBrowser();

const WRAP_UP = me({ state: "wrap-up", wrap_up_until_ms: NOW_MS + 5_000 });
const notice = (part: Partial<Notice>): Notice => ({
  id: "n1",
  level: "info",
  code: "loan-over",
  text_nb: "Utlånet er over.",
  text_en: "The loan is over.",
  at_ms: NOW_MS,
  ...part,
});

describe("the paper work after a call", () => {
  it.each([
    ["parked", "Parkert", "Parked"],
    ["taken-over", "Overtatt av en vaktleder", "Taken over by a shift lead"],
    ["transfer", "Satt over", "Transferred"],
  ])("of one that goes on (%s) does not say that it has ended", async (cause, text_nb, text_en) => {
    const { event } = await seatedConsole({ call: call() });
    await event("call.ended", { contact: "c1", cause, text_nb, text_en });
    await event("me", WRAP_UP);
    expect(id("wrap-up")).toHaveTextContent(text_nb);
    expect(id("wrap-up")).not.toHaveTextContent("Samtalen er avsluttet");
  });

  it("of one that was hung up says that it has ended", async () => {
    const { event } = await seatedConsole({ call: call() });
    await event("call.ended", { contact: "c1", cause: "bye", text_nb: "La på", text_en: "Hung up" });
    await event("me", WRAP_UP);
    expect(id("wrap-up")).toHaveTextContent("Samtalen er avsluttet");
  });
});

describe("a call that comes back", () => {
  it("says at the offer that somebody has talked with the caller, and to that person that it is theirs", async () => {
    const { event } = await seatedConsole();
    await event("offer", offer({ talked_with: "Ola Nordmann" }));
    expect(id("offer-talked")).toHaveTextContent("Innringeren har alt snakket med Ola Nordmann");
    await event("offer", offer({ epoch: 5, talked_with: "Kari Nordmann" }));
    expect(id("offer-talked")).toHaveTextContent("Samtalen kommer tilbake til deg");
    await event("offer", offer({ epoch: 6 }));
    expect(screen.queryByTestId("offer-talked")).toBeNull();
  });

  it("has waited until the first answer, whoever has it now", async () => {
    await seatedConsole({
      call: call({ arrived_at_ms: NOW_MS - 90_000, first_answered_at_ms: NOW_MS - 86_000, answered_at_ms: NOW_MS }),
    });
    expect(id("call-card")).toHaveTextContent("Ventetid 0:04");
  });
});

describe("times of day", () => {
  const t = (word: string, values?: Record<string, string | number>) => `${word} ${JSON.stringify(values)}`;

  it("of a location are this console's, with how old it is", () => {
    const at_ms = NOW_MS - 65_000;
    expect(whenFound(new Date(at_ms).toISOString(), NOW_MS, t)).toBe(
      `call.found {"time":"${clock(at_ms)}","age":"1:05"}`,
    );
    expect(whenFound("for litt siden", NOW_MS, t)).toBe("for litt siden");
    expect(whenFound("2026-13-99T99:99:99Z", NOW_MS, t)).toBe("2026-13-99T99:99:99Z");
    expect(whenFound(new Date(NOW_MS - 90_000_000).toISOString(), NOW_MS, t)).toContain("2027");
  });

  it("within an explanation are those of the column beside it, also over midnight", () => {
    const step_ms = Date.UTC(2026, 9, 24, 23, 59, 58);
    const until = onThisClock("Det ringer til 00:00:13.250 UTC.", step_ms);
    expect(until).toBe(`Det ringer til ${clock(Date.UTC(2026, 9, 25, 0, 0, 13))}.`);
    expect(onThisClock("Trinn 2, 65.0 s etter.", step_ms)).toBe("Trinn 2, 65.0 s etter.");
  });
});

describe("the night on which clocks go back in Norway", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("tells times of the console's zone on both sides of it, and lengths that are true", () => {
    vi.stubEnv("TZ", "Europe/Oslo");
    const before_ms = Date.UTC(2026, 9, 25, 0, 59, 50);
    const after_ms = before_ms + 20_000;
    expect([clock(before_ms), clock(after_ms)]).toEqual(["02:59:50", "02:00:10"]);
    expect(onThisClock("It rings until 01:00:05.000 UTC.", before_ms)).toBe("It rings until 02:00:05.");
    expect(duration(after_ms - before_ms)).toBe("0:20");
    expect(whenFound("2026-10-25T00:59:50Z", after_ms, (word, values) => `${word} ${values?.age}`)).toBe(
      "call.found 0:20",
    );
    expect(whenFound("2026-10-25T02:59:50+02:00", after_ms, (word, values) => `${word} ${values?.time}`)).toBe(
      "call.found 02:59:50",
    );
  });
});

describe("news", () => {
  it("go by themselves; what has to be done stays", async () => {
    await seatedConsole({
      notices: [
        notice({ at_ms: NOW_MS - 61_000 }),
        notice({ id: "n2", at_ms: NOW_MS - 30_000, text_nb: "Sentralen er åpen igjen." }),
        notice({ id: "n3", level: "warning", at_ms: NOW_MS - 3_600_000, text_nb: "Disken er full." }),
      ],
    });
    expect(screen.getAllByTestId("notice").map((one) => one.textContent)).toEqual([
      "Disken er full.",
      "Sentralen er åpen igjen.",
    ]);
  });

  it("say what stands over somebody's day once", async () => {
    const loan = {
      loan: "l1",
      room: "bergen",
      room_name: "AMK Bergen",
      until_ms: NOW_MS,
      by_name: "Sofie",
      asked: true,
    };
    const forced = {
      to: "signed-out" as const,
      by: "sofie",
      by_name: "Sofie",
      reason: "",
      note: "",
      at_ms: NOW_MS,
      waits: true,
    };
    await seatedConsole({
      me: me({ loan: loan as never, leaving: true, forced }),
      notices: [
        notice({ level: "warning", code: "loan-consent", text_nb: "Vaktleder vil låne deg ut." }),
        notice({ id: "n2", level: "warning", code: "forced", text_nb: "Sofie logger deg ut." }),
      ],
    });
    expect(id("on-loan")).toHaveTextContent("AMK Bergen");
    expect(screen.getByTestId("notice")).toHaveTextContent("Sofie logger deg ut.");
    expect(screen.queryByTestId("leaving")).toBeNull();
  });
});

describe("a lost seat", () => {
  it("that the next shift has is not to be taken back by one press", async () => {
    const { event } = await seatedConsole();
    await event("seat.lost", { reason: "handed-over" });
    expect(screen.queryByTestId("seat-take-back")).toBeNull();
    expect(id("seat-choose")).toBeVisible();
  });

  it.each(["forced", "signed-out"])("of somebody who was signed out (%s) leads to the sign-in", async (reason) => {
    const { event, user, paths } = await seatedConsole();
    await event("seat.lost", { reason });
    expect(screen.queryByTestId("seat-take-back")).toBeNull();
    expect(id("seat-sign-in")).toHaveClass("button-primary");
    expect(id("seat-choose")).not.toHaveClass("button-primary");
    await user.click(id("seat-sign-in"));
    expect(paths()).toContain("DELETE /session");
    expect(id("sign-in-username")).toBeVisible();
  });

  it("that its operator left for another one is nobody else's doing", async () => {
    const { event } = await seatedConsole();
    await event("seat.lost", { reason: "moved" });
    expect(id("seat-lost")).toHaveTextContent("Du har satt deg ved en annen plass.");
  });
});

it("an abandoned caller who rang several times is shown so", async () => {
  const { user } = await seatedConsole({ abandoned: [abandoned({ attempts: 0, calls: 3 })] });
  await user.click(id("tab-abandoned"));
  expect(id("abandoned-a1")).toHaveTextContent("Ringer igjen3");
  expect(screen.getByTitle("Har ringt 3 ganger uten å få svar")).toBeVisible();
});

describe("the focus", () => {
  it("comes back to a button that was disabled while its command was under way", async () => {
    const { user, reply, event } = await seatedConsole({ call: call({ silence: "hint" }) });
    id("silent-mark").focus();
    await user.keyboard("{Enter}");
    expect(id("silent-mark")).toBeDisabled();
    await reply({ ok: true });
    await event("call", call({ silence: "marked" }));
    expect(id("silent-mark")).toHaveFocus();
  });

  it("goes to the list when the button goes with its row", async () => {
    const flag = { number: "+4791500020", mode: "flagged", reason: "x", until_ms: NOW_MS, by_name: "Kari" } as never;
    const { user, reply, event } = await seatedConsole({ flags: [flag] });
    await user.click(id("tab-flags"));
    id("flag-lift-+4791500020").focus();
    await user.keyboard("{Enter}");
    await reply({ ok: true });
    await event("flags", []);
    expect(id("flag-new")).toHaveFocus();
  });

  it("is not taken from where somebody put it, nor from nowhere", async () => {
    const { user, event } = await seatedConsole({ call: call({ silence: "hint" }) });
    id("silent-mark").focus();
    id("silent-mark").blur();
    await event("waiting", []);
    expect(document.body).toHaveFocus();
    await user.click(id("tab-flags"));
    await event("waiting", []);
    expect(id("tab-flags")).toHaveFocus();
  });
});
