import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../src/api/types";
import { LanguageProvider } from "../src/i18n/language";
import { REJECT_GUARD_MS } from "../src/ui/Console";
import { Root } from "../src/ui/Root";
import { appWith, FakePeer, installBrowser, POSITIONS, refusal, SESSION, settle, stopApps } from "./fakes";
import { call, me, NOW_MS, offer, snapshot, talkgroup } from "./samples";

const LAB = {
  queues: [{ number: "113", name: "113 Oslo" }],
  radios: [{ issi: 1, alias: "Ambulanse 1", gssi: 24201 }],
  callers: [],
  simulator: true,
};
const RECENT = [
  {
    contact: "r1",
    queue: "113-oslo",
    queue_name: "113 Oslo",
    caller: "+4799112233",
    arrived_at_ms: NOW_MS,
    answered_at_ms: NOW_MS + 4_000,
    ended_at_ms: NOW_MS + 64_000,
    operator_name: "Kari Nordmann",
    cause: "operator",
    tracks: ["radio", "caller", "operator"].map((label) => ({
      recording: `rec-${label}`,
      label,
      started_at_ms: NOW_MS,
      stored_ms: 60_000,
      expected_ms: 60_000,
      sha256: null,
    })),
  },
];

const TABLE = {
  "GET /session": [200, SESSION],
  "GET /positions": [200, POSITIONS],
  "POST /position": [200, { position: "oslo-1", seat_epoch: 7 }],
  "POST /position/media": [200, { sdp: "answer" }],
  "GET /calls?limit=50": [200, RECENT],
  "GET /lab": [200, LAB],
} satisfies Parameters<typeof appWith>[0];

const id = (name: string) => screen.getByTestId(name);

async function console_(part: Partial<Snapshot> = {}) {
  const setup = appWith({ ...TABLE });
  const user = userEvent.setup();
  await setup.app.start();
  render(
    <LanguageProvider>
      <Root app={setup.app} />
    </LanguageProvider>,
  );
  await user.click(id("position-oslo-1"));
  await act(() => vi.waitFor(() => expect(FakePeer.last().remote).toBe("answer")));
  let seq = 17;
  const say = (message: object) => act(async () => setup.socket().say(message));
  await say(snapshot(part));
  await act(async () => FakePeer.last().become("connected"));
  return {
    ...setup,
    user,
    event: (type: string, data: unknown) => say({ type, seq: ++seq, data }),
    last: () => setup.socket().commands.at(-1),
    reply: (body?: object) => act(async () => setup.socket().reply(body)),
  };
}

beforeEach(() => installBrowser());
afterEach(() => {
  cleanup();
  stopApps();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("sign-in and positions", () => {
  it("says that the password is wrong, in the language chosen", async () => {
    const { app } = appWith({
      "GET /session": [401, refusal("not-signed-in")],
      "POST /session": [401, refusal("bad-credentials")],
    });
    await app.start();
    const user = userEvent.setup();
    render(
      <LanguageProvider>
        <Root app={app} />
      </LanguageProvider>,
    );
    expect(id("sign-in-username")).toHaveFocus();
    await user.type(id("sign-in-username"), "kari");
    await user.type(id("sign-in-password"), "no{Enter}");
    expect(await screen.findByText("Feil brukernavn eller passord.")).toBeVisible();
    await user.click(id("lang-en"));
    expect(screen.getByText("Wrong user name or password.")).toBeVisible();
    expect(document.documentElement.lang).toBe("en");
  });

  it("asks before it takes somebody's position over", async () => {
    const { app, asked } = appWith(TABLE);
    await app.start();
    const user = userEvent.setup();
    render(
      <LanguageProvider>
        <Root app={app} />
      </LanguageProvider>,
    );
    await user.click(id("position-oslo-2"));
    expect(asked.some((request) => request.path === "/position")).toBe(false);
    await user.click(id("take-over-confirm"));
    expect(asked.find((request) => request.path === "/position")?.body).toEqual({
      position: "oslo-2",
      take_over: true,
    });
  });
});

describe("an offer", () => {
  it("is announced, blinks in the title, and Enter answers it once", async () => {
    const { user, event, last, socket } = await console_();
    await event("offer", offer());
    expect(id("offer-card")).toHaveAttribute("data-contact", "c1");
    expect(screen.getByText("Innkommende anrop, 113 Oslo, fra +4799112233")).toHaveAttribute("aria-live", "assertive");
    expect(document.title).toContain("113 Oslo");
    expect(id("offer-answer")).toHaveFocus();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept", args: { contact: "c1", epoch: 4 } });
    await user.keyboard("{Enter}");
    expect(socket().commands).toHaveLength(1);
    expect(id("offer-answer")).toBeDisabled();
  });

  it("Enter answers also when the focus is elsewhere; on Reject it rejects", async () => {
    const { user, event, last } = await console_();
    await event("offer", offer());
    id("tab-colleagues").focus();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept" });
    cleanup();
    installBrowser();
    const second = await console_();
    await second.event("offer", offer());
    id("offer-reject").focus();
    await second.user.keyboard("{Enter}");
    expect(second.last()).toMatchObject({ name: "contact.reject" });
  });

  it("Escape rejects, but not in the moment the offer appears", async () => {
    const { user, event, last, socket } = await console_();
    await event("offer", offer());
    await user.keyboard("{Escape}");
    expect(socket().commands).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, REJECT_GUARD_MS + 50));
    await user.keyboard("{Escape}");
    expect(last()).toMatchObject({ name: "contact.reject", args: { contact: "c1", epoch: 4 } });
  });

  it("that is gone is said, and the card goes when it is withdrawn", async () => {
    const { user, event, reply } = await console_();
    await event("offer", offer());
    await user.keyboard("{Enter}");
    await reply({ ok: false, code: "offer-gone", message: "late" });
    expect(id("toast")).toHaveTextContent("Anropet er ikke lenger tilgjengelig.");
    await event("offer.withdrawn", { contact: "c1", epoch: 4, reason: "expired" });
    expect(screen.queryByTestId("offer-card")).toBeNull();
    expect(document.title).not.toContain("113 Oslo");
  });

  it("typing Enter in a field does not answer", async () => {
    const { user, event, socket } = await console_();
    id("activity-reason").focus();
    await event("offer", offer());
    await user.keyboard("{Enter}");
    expect(socket().commands).toHaveLength(0);
  });
});

describe("a call", () => {
  it("shows who and where, with the source of the number", async () => {
    await console_({ call: call(), me: me({ state: "busy" }) });
    expect(id("call-number")).toHaveTextContent("+47 991 12 233");
    expect(id("call-card")).toHaveTextContent("bekreftet av nettet");
    expect(id("call-location")).toHaveTextContent("Storgata 12, Oslo");
    expect(id("call-location")).toHaveTextContent("59.91423, 10.75231");
    expect(id("call-location")).toHaveTextContent("± 25 m");
  });

  it("says when the location could not be read", async () => {
    const location = { text: "", latitude: null, longitude: null, radius_m: null, problem: "no point" };
    await console_({ call: call({ location }) });
    expect(id("call-location")).toHaveTextContent("Ingen posisjon mottatt");
    expect(id("call-location")).toHaveTextContent("no point");
  });

  it("H holds and takes back", async () => {
    const { user, event, last, reply } = await console_({ call: call() });
    await user.keyboard("h");
    expect(last()).toMatchObject({ name: "contact.hold", args: { contact: "c1", on: true } });
    await reply();
    await event("call", call({ state: "held" }));
    await user.keyboard("h");
    expect(last()).toMatchObject({ args: { on: false } });
  });

  it("one L does not hang up; two do", async () => {
    const { user, socket, last } = await console_({ call: call() });
    await user.keyboard("l");
    expect(socket().commands).toHaveLength(0);
    expect(id("call-hangup")).toHaveAttribute("data-armed", "yes");
    await user.keyboard("l");
    expect(last()).toMatchObject({ name: "contact.hangup", args: { contact: "c1" } });
  });

  it("a patch wants both confirmations and a group, and sends them", async () => {
    const { user, last, reply } = await console_({ call: call() });
    await user.keyboard("p");
    expect(id("patch-confirm")).toBeDisabled();
    await user.click(id("patch-privacy"));
    expect(id("patch-confirm")).toBeDisabled();
    await user.click(id("patch-owner"));
    await user.click(id("patch-talkgroup-24201"));
    expect(screen.queryByTestId("patch-talkgroup-24202")).toBeNull(); // not attached
    await user.click(id("patch-confirm"));
    expect(last()).toEqual(
      expect.objectContaining({
        name: "contact.patch",
        args: { contact: "c1", gssi: 24201, confirmed: true, owner_ok: true },
      }),
    );
    await reply();
    expect(screen.queryByTestId("patch-confirm")).toBeNull();
  });

  it("an active patch can be removed, and C lets the caller talk while held", async () => {
    const patch = { patch: "p", gssi: 24201, name: "AMK Oslo 1", state: "active" as const, floor: "free" as const };
    const { user, socket, last } = await console_({ call: call({ patch }) });
    await user.keyboard("{c>3}{/c}");
    expect(socket().commands.map((command) => [command.name, command.args["on"]])).toEqual([
      ["patch.talk", true],
      ["patch.talk", false],
    ]);
    await user.click(id("call-unpatch"));
    expect(last()).toMatchObject({ name: "contact.unpatch" });
  });

  it("is transferred to a queue of another room", async () => {
    const { user, last } = await console_({ call: call() });
    await user.keyboard("t");
    expect(screen.queryByTestId("transfer-113-oslo")).toBeNull(); // the queue it is in
    await user.click(id("transfer-113-bergen"));
    expect(last()).toMatchObject({ name: "contact.transfer", args: { contact: "c1", queue: "113-bergen" } });
  });

  it("shows the video link, then the picture", async () => {
    const url = "http://localhost:8080/v/abc";
    const { event } = await console_({ call: call({ video: { state: "invited", url, link_expires_ms: NOW_MS } }) });
    expect(id("video-link")).toHaveAttribute("href", url);
    await event("call", call({ video: { state: "live", url, link_expires_ms: NOW_MS } }));
    expect(id("video-live")).toBeInTheDocument();
    expect(FakePeer.last().transceivers).toMatchObject([
      { kind: "video", direction: "recvonly", preferred: ["video/VP8", "video/H264", "video/rtx"] },
    ]);
    await event("call.ended", { contact: "c1", cause: "caller" });
    expect(FakePeer.last().closed).toBe(true);
  });

  it("is followed by wrap-up, which D ends", async () => {
    const { user, event, last } = await console_({ call: call() });
    await event("call.ended", { contact: "c1", cause: "caller" });
    await event("me", me({ state: "wrap-up", wrap_up_until_ms: NOW_MS + 8_000 }));
    expect(id("wrap-up")).toHaveTextContent("+47 991 12 233");
    expect(id("wrap-up-left")).toHaveTextContent(/[78] s igjen/);
    await user.keyboard("d");
    expect(last()).toMatchObject({ name: "wrapup.done", args: {} });
  });
});

describe("talkgroups", () => {
  it("Space talks in the selected group, is let go with the key, and with the window's focus", async () => {
    const { user, socket } = await console_();
    await user.keyboard("{ >}");
    expect(id("tg-ptt-24201")).toHaveAttribute("aria-pressed", "true");
    await user.keyboard("{/ }");
    expect(id("tg-ptt-24201")).toHaveAttribute("aria-pressed", "false");
    await user.keyboard("{ >}");
    act(() => {
      window.dispatchEvent(new Event("blur"));
    });
    expect(socket().commands.map((command) => command.args)).toEqual([
      { gssi: 24201, on: true },
      { gssi: 24201, on: false },
      { gssi: 24201, on: true },
      { gssi: 24201, on: false },
    ]);
  });

  it("Space does not press the button that has the focus", async () => {
    const { user, socket } = await console_();
    id("activity-break").focus();
    await user.keyboard(" ");
    expect(socket().commands.map((command) => command.name)).toEqual(["ptt", "ptt"]);
  });

  it("a group's own button talks while the pointer holds it, also when the pointer is lost", async () => {
    const { user, socket } = await console_();
    await user.pointer({ keys: "[MouseLeft>]", target: id("tg-ptt-24201") });
    expect(socket().commands.at(-1)?.args).toEqual({ gssi: 24201, on: true });
    act(() => {
      id("tg-ptt-24201").dispatchEvent(new Event("lostpointercapture", { bubbles: true }));
    });
    expect(socket().commands.at(-1)?.args).toEqual({ gssi: 24201, on: false });
  });

  it("cannot be keyed without listening; digits select, M listens", async () => {
    const { user, last, socket } = await console_();
    expect(id("tg-ptt-24202")).toBeDisabled();
    await user.keyboard("2");
    expect(id("tg-24202")).toHaveAttribute("data-selected", "yes");
    await user.keyboard(" ");
    expect(socket().commands).toHaveLength(0);
    await user.keyboard("m");
    expect(last()).toMatchObject({ name: "talkgroup.monitor", args: { gssi: 24202, on: true } });
  });

  it("tell who talks: a radio, this operator, the patched caller, a colleague", async () => {
    const { event, user } = await console_();
    const floor = () => id("tg-floor-24201").textContent;
    await event("talkgroup", talkgroup({ talker: { issi: 5, alias: "Ambulanse 1", priority: 0 } }));
    expect(floor()).toBe("Ambulanse 1 taler");
    await event("talkgroup", talkgroup({ floor: "talking" }));
    expect(floor()).toBe("Sentralen sender");
    await user.keyboard("{ >}");
    expect(floor()).toBe("Du sender");
    await user.keyboard("{/ }");
    const patch = { patch: "p", gssi: 24201, name: "AMK Oslo 1", state: "active" as const, floor: "talking" as const };
    await event("call", call({ patch }));
    expect(floor()).toBe("Innringeren sender");
  });
});

describe("around the call", () => {
  it("activity is set by button and key, a break with its reason", async () => {
    const { user, last, reply } = await console_();
    await user.keyboard("b");
    expect(last()).toMatchObject({ name: "activity.set", args: { activity: "break", reason: "" } });
    await reply();
    await user.click(id("activity-after-call-work"));
    expect(last()).toMatchObject({ name: "activity.set", args: { activity: "after-call-work", reason: "" } });
    await reply();
    await user.selectOptions(id("activity-reason"), "meal");
    expect(last()).toMatchObject({ args: { activity: "break", reason: "meal" } });
  });

  it("waiting contacts show class and age", async () => {
    const row = { ...offer(), state: "waiting" as const, arrived_at_ms: NOW_MS - 15_000 };
    await console_({ waiting: [row] });
    const shown = id("waiting-c1");
    expect(shown).toHaveTextContent("Nød");
    expect(within(shown).getByText(/^0:1[56]$/)).toHaveClass("age-late");
  });

  it("recent calls can be heard track by track and all together", async () => {
    const { user } = await console_();
    const row = await screen.findByTestId("recent-row-r1");
    const buttons = within(row).getAllByRole("button");
    expect(buttons.map((button) => button.dataset["testid"])).toEqual([
      "replay-mix-r1",
      "replay-rec-caller",
      "replay-rec-operator",
      "replay-rec-radio",
      "explain-r1",
    ]);
    await user.click(id("replay-rec-caller"));
    expect(id("replay-audio")).toHaveAttribute("src", "/api/v1/recordings/rec-caller/audio");
    await user.click(id("replay-mix-r1"));
    expect(id("replay-audio")).toHaveAttribute("src", "/api/v1/calls/r1/audio?mix=1");
  });

  it("the lab panel is there only in a lab, and rings", async () => {
    const { user, asked } = await console_({ server: { name: "kak", version: "0", lab: true } });
    await user.click(await screen.findByTestId("lab-ring-113"));
    expect(asked.find((request) => request.path === "/lab/ring")?.body).toEqual({ number: "113" });
    cleanup();
    installBrowser();
    await console_();
    expect(screen.queryByTestId("lab-ring-113")).toBeNull();
  });

  it("notices come in the operator's language, the gravest first", async () => {
    const notice = (n: string, level: string) => ({
      id: n,
      level,
      code: n,
      text_nb: `nb ${n}`,
      text_en: `en ${n}`,
      at_ms: 1,
    });
    const { event, user } = await console_();
    await event("notice", notice("slow", "warning"));
    await event("notice", notice("radio", "alarm"));
    expect(screen.getAllByTestId("notice").map((shown) => shown.textContent)).toEqual(["nb radio", "nb slow"]);
    await user.click(id("lang-en"));
    await event("notice.cleared", { id: "slow" });
    expect(screen.getAllByTestId("notice").map((shown) => shown.textContent)).toEqual(["en radio"]);
  });

  it("? shows the keys, no key acts behind them, and they give way to an offer", async () => {
    const { user, event, socket, last } = await console_();
    await user.keyboard("?");
    expect(id("keys")).toBeVisible();
    await user.keyboard("b m");
    expect(socket().commands).toHaveLength(0);
    await event("offer", offer());
    expect(screen.queryByTestId("keys")).toBeNull();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept" });
  });

  it("thousands may wait without thousands of rows", async () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => ({
      ...offer({ contact: `w${n}` }),
      state: "waiting" as const,
    }));
    await console_({ waiting: rows });
    expect(screen.getAllByTestId(/^waiting-w/)).toHaveLength(100);
    expect(screen.getByText("og 4900 til")).toBeInTheDocument();
  });

  it("asks for a key when the browser refuses to play, and plays then", async () => {
    vi.mocked(HTMLMediaElement.prototype.play).mockRejectedValue(new DOMException("no", "NotAllowedError"));
    const { user } = await console_();
    await act(async () => {
      FakePeer.last().deliver(0);
      await settle();
    });
    expect(id("sound-prompt")).toBeVisible();
    expect(id("media-state")).toHaveAttribute("data-state", "blocked");
    vi.mocked(HTMLMediaElement.prototype.play).mockResolvedValue();
    await user.keyboard("x");
    await act(settle);
    expect(screen.queryByTestId("sound-prompt")).toBeNull();
    expect(id("media-state")).toHaveAttribute("data-state", "up");
  });

  it("a lost seat shows why and offers it back", async () => {
    const { event, user, asked } = await console_();
    await event("seat.lost", { reason: "another-tab" });
    expect(id("seat-lost")).toHaveTextContent("Plassen ble åpnet i en annen fane.");
    await user.click(id("seat-take-back"));
    expect(asked.filter((request) => request.path === "/position").at(-1)?.body).toEqual({
      position: "oslo-1",
      take_over: true,
    });
  });
});
