import { cleanup, screen, within } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import { FakePeer, installBrowser, settle } from "./fakes";
import { call, NOW_MS, offer, talkgroup, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole } from "./seated";

eachInItsOwnBrowser();

describe("talkgroups", () => {
  it("Space talks in the selected group, is let go with the key, and with the window's focus", async () => {
    const { user, socket } = await seatedConsole();
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
    const { user, socket } = await seatedConsole();
    id("activity-break").focus();
    await user.keyboard(" ");
    expect(socket().commands.map((command) => command.name)).toEqual(["ptt", "ptt"]);
  });

  it("a group's own button talks while the pointer holds it, also when the pointer is lost", async () => {
    const { user, socket } = await seatedConsole();
    await user.pointer({ keys: "[MouseLeft>]", target: id("tg-ptt-24201") });
    expect(socket().commands.at(-1)?.args).toEqual({ gssi: 24201, on: true });
    act(() => {
      id("tg-ptt-24201").dispatchEvent(new Event("lostpointercapture", { bubbles: true }));
    });
    expect(socket().commands.at(-1)?.args).toEqual({ gssi: 24201, on: false });
  });

  it("cannot be keyed without listening; digits select, M listens", async () => {
    const { user, last, socket } = await seatedConsole();
    expect(id("tg-ptt-24202")).toBeDisabled();
    await user.keyboard("2");
    expect(id("tg-24202")).toHaveAttribute("data-selected", "yes");
    await user.keyboard(" ");
    expect(socket().commands).toHaveLength(0);
    await user.keyboard("m");
    expect(last()).toMatchObject({ name: "talkgroup.monitor", args: { gssi: 24202, on: true } });
  });

  it("tell who talks: a radio, this operator, the patched caller, a colleague", async () => {
    const { event, user } = await seatedConsole();
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
    const { user, last, reply } = await seatedConsole();
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
    const row = waitingRow({ arrived_at_ms: NOW_MS - 15_000 });
    await seatedConsole({ waiting: [row] });
    const shown = id("waiting-c1");
    expect(shown).toHaveTextContent("Nød");
    expect(within(shown).getByText("0:15")).toHaveClass("age-late");
  });

  it("recent calls can be heard track by track and all together", async () => {
    const { user } = await seatedConsole();
    const row = await screen.findByTestId("recent-row-r1");
    const buttons = within(row).getAllByRole("button");
    expect(buttons.map((button) => button.dataset["testid"])).toEqual([
      "call-back-r1",
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
    const { user, asked } = await seatedConsole({ server: { name: "kak", version: "0", lab: true } });
    await user.click(await screen.findByTestId("lab-ring-113"));
    expect(asked.find((request) => request.path === "/lab/ring")?.body).toEqual({ number: "113" });
    await user.click(id("lab-bring-alarm"));
    expect(asked.find((request) => request.path === "/lab/contacts")?.body).toEqual({ kind: "alarm" });
    await user.click(id("lab-emergency-1"));
    expect(asked.find((request) => request.path === "/lab/radios/1/emergency")?.body).toEqual({ on: true });
    cleanup();
    installBrowser();
    await seatedConsole();
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
    const { event, user } = await seatedConsole();
    await event("notice", notice("slow", "warning"));
    await event("notice", notice("radio", "alarm"));
    expect(screen.getAllByTestId("notice").map((shown) => shown.textContent)).toEqual(["nb radio", "nb slow"]);
    await user.click(id("lang-en"));
    await event("notice.cleared", { id: "slow" });
    expect(screen.getAllByTestId("notice").map((shown) => shown.textContent)).toEqual(["en radio"]);
  });

  it("? shows the keys, no key acts behind them, and they give way to an offer", async () => {
    const { user, event, socket, last } = await seatedConsole();
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
    const rows = Array.from({ length: 5_000 }, (_, n) => waitingRow({ contact: `w${n}` }));
    await seatedConsole({ waiting: rows });
    expect(screen.getAllByTestId(/^waiting-w/)).toHaveLength(100);
    expect(screen.getByText("og 4900 til")).toBeInTheDocument();
  });

  it("asks for a key when the browser refuses to play, and plays then", async () => {
    vi.mocked(HTMLMediaElement.prototype.play).mockRejectedValue(new DOMException("no", "NotAllowedError"));
    const { user } = await seatedConsole();
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
});
