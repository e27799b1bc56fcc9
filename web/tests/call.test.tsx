import { cleanup, screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { clock } from "../src/ui/format";
import { REJECT_GUARD_MS } from "../src/ui/useActions";
import { FakePeer, installBrowser } from "./fakes";
import { call, me, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

describe("an offer", () => {
  it("is announced, blinks in the title, and Enter answers it once", async () => {
    const { user, event, last, socket } = await seatedConsole();
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
    const { user, event, last } = await seatedConsole();
    await event("offer", offer());
    id("tab-colleagues").focus();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept" });
    cleanup();
    installBrowser();
    const second = await seatedConsole();
    await second.event("offer", offer());
    id("offer-reject").focus();
    await second.user.keyboard("{Enter}");
    expect(second.last()).toMatchObject({ name: "contact.reject" });
  });

  it("Escape rejects, but not in the moment the offer appears", async () => {
    const { user, event, last, socket } = await seatedConsole();
    // A clock of the test's own: on a busy machine the moment is over before the first key comes.
    const clock = vi.spyOn(performance, "now").mockReturnValue(10_000);
    await event("offer", offer());
    await user.keyboard("{Escape}");
    clock.mockReturnValue(10_000 + REJECT_GUARD_MS);
    await user.keyboard("{Escape}");
    expect(socket().commands).toHaveLength(0);
    clock.mockReturnValue(10_001 + REJECT_GUARD_MS);
    await user.keyboard("{Escape}");
    expect(last()).toMatchObject({ name: "contact.reject", args: { contact: "c1", epoch: 4 } });
  });

  it("that is gone is said, and the card goes when it is withdrawn", async () => {
    const { user, event, reply } = await seatedConsole();
    await event("offer", offer());
    await user.keyboard("{Enter}");
    await reply({ ok: false, code: "offer-gone", message: "late" });
    expect(id("toast")).toHaveTextContent("Anropet er ikke lenger tilgjengelig.");
    await event("offer.withdrawn", { contact: "c1", epoch: 4, reason: "expired" });
    expect(screen.queryByTestId("offer-card")).toBeNull();
    expect(document.title).not.toContain("113 Oslo");
  });

  it("typing Enter in a field does not answer", async () => {
    const { user, event, socket } = await seatedConsole();
    id("activity-reason").focus();
    await event("offer", offer());
    await user.keyboard("{Enter}");
    expect(socket().commands).toHaveLength(0);
  });
});

describe("a call", () => {
  it("shows who and where, with the source of the number", async () => {
    await seatedConsole({ call: call(), me: me({ state: "busy" }) });
    expect(id("call-number")).toHaveTextContent("+47 991 12 233");
    expect(id("call-card")).toHaveTextContent("bekreftet av nettet");
    expect(id("call-location")).toHaveTextContent("Storgata 12, Oslo");
    expect(id("call-location")).toHaveTextContent("59.91423, 10.75231");
    expect(id("call-location")).toHaveTextContent("± 25 m");
  });

  it("does not say the point twice where there is no address", async () => {
    const { location } = call();
    await seatedConsole({ call: call({ location: { ...location, text: "(59.91423, 10.75231 ± 25 m)" } }) });
    expect(id("call-location")).toHaveTextContent(/^Posisjon59\.91423, 10\.75231 ± 25 mKopier/);
  });

  it("says when the location could not be read", async () => {
    const nothing = { text: "", latitude: null, longitude: null, radius_m: null, method: "", measured: "" };
    const location = { ...nothing, problem: "no point", pending: true, all: [] };
    await seatedConsole({ call: call({ location }) });
    expect(id("call-location")).toHaveTextContent("Ingen posisjon mottatt");
    expect(id("call-location")).toHaveTextContent("no point");
    expect(id("call-location")).toHaveTextContent("Mer om posisjonen hentes");
  });

  it("shows every one of several locations, and how and when they were found", async () => {
    const { location } = call();
    await seatedConsole({ call: call({ location: { ...location, all: ["Storgata 12 · GPS", "no point"] } }) });
    expect(id("call-location")).toHaveTextContent(`GPS · ${new Date("2026-01-01T12:00:00Z").toLocaleString()}`);
    expect([...id("call-locations").children].map((line) => line.textContent)).toEqual([
      "Storgata 12 · GPS",
      "no point",
    ]);
  });

  it("says who confirms the number, whose it is, and whom the call was for first", async () => {
    await seatedConsole({
      call: call({ caller_name: "Ola Nordmann", caller_private: true, diverted_from: ["+4722000001"] }),
    });
    expect([...id("caller-line").children].map((part) => part.textContent)).toEqual([
      "Ola Nordmann",
      "bekreftet av nettet",
      "ønsker skjult nummer",
      "↪ viderekoblet fra +47 22 00 00 01",
    ]);
    cleanup();
    installBrowser();
    await seatedConsole({ call: call({ caller_source: "from" }) });
    expect(id("caller-line")).toHaveTextContent(/^oppgitt av innringer$/);
  });

  it("shows what networks say, known labels in words and others as they came", async () => {
    const details = [
      { label: "subscriber", text: "Kari Nordmann" },
      { label: "area-location", text: "0301 Oslo" },
      { label: "something-new", text: "x" },
    ];
    await seatedConsole({ call: call({ details }) });
    const lines = [...id("call-details").children].map((line) => line.textContent);
    expect(lines).toEqual(["AbonnentKari Nordmann", "Kommune (posisjon)0301 Oslo", "something-newx"]);
  });

  it("H holds and takes back", async () => {
    const { user, event, last, reply } = await seatedConsole({ call: call() });
    await user.keyboard("h");
    expect(last()).toMatchObject({ name: "contact.hold", args: { contact: "c1", on: true } });
    await reply();
    await event("call", call({ state: "held" }));
    await user.keyboard("h");
    expect(last()).toMatchObject({ args: { on: false } });
  });

  it("one L does not hang up; two do", async () => {
    const { user, socket, last } = await seatedConsole({ call: call() });
    await user.keyboard("l");
    expect(socket().commands).toHaveLength(0);
    expect(id("call-hangup")).toHaveAttribute("data-armed", "yes");
    await user.keyboard("l");
    expect(last()).toMatchObject({ name: "contact.hangup", args: { contact: "c1" } });
  });

  it("a patch wants both confirmations and a group, and sends them", async () => {
    const { user, last, reply } = await seatedConsole({ call: call() });
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
    const { user, socket, last } = await seatedConsole({ call: call({ patch }) });
    await user.keyboard("{c>3}{/c}");
    expect(socket().commands.map((command) => [command.name, command.args["on"]])).toEqual([
      ["patch.talk", true],
      ["patch.talk", false],
    ]);
    await user.click(id("call-unpatch"));
    expect(last()).toMatchObject({ name: "contact.unpatch" });
  });

  it("is transferred to a queue of another room", async () => {
    const { user, last } = await seatedConsole({ call: call() });
    await user.keyboard("t");
    expect(screen.queryByTestId("transfer-113-oslo")).toBeNull(); // the queue it is in
    await user.click(id("transfer-113-bergen"));
    expect(last()).toMatchObject({ name: "contact.transfer", args: { contact: "c1", queue: "113-bergen" } });
  });

  it("is transferred to a room that is open", async () => {
    const row = { since_ms: 0, by: null, by_name: null, reason: "" };
    const rooms = [
      { ...row, room: "oslo", name: "AMK Oslo", state: "open" as const },
      { ...row, room: "bergen", name: "AMK Bergen", state: "open" as const },
      { ...row, room: "voss", name: "Voss", state: "evacuated" as const },
    ];
    const { user, last } = await seatedConsole({ call: call(), rooms });
    await user.keyboard("t");
    expect(id("transfer-room-now")).toBeDisabled();
    expect(screen.queryByRole("option", { name: "Voss" })).toBeNull();
    await user.selectOptions(id("transfer-room"), "AMK Bergen");
    await user.click(id("transfer-room-now"));
    expect(last()).toMatchObject({ name: "contact.transfer_room", args: { contact: "c1", room: "bergen" } });
  });

  it("shows the video link, then the picture", async () => {
    const url = "http://localhost:8080/v/abc";
    const { event } = await seatedConsole({
      call: call({ video: { state: "invited", url, link_expires_ms: NOW_MS } }),
    });
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
    const { user, event, last } = await seatedConsole({ call: call() });
    await event("call.ended", { contact: "c1", cause: "caller" });
    await event("me", me({ state: "wrap-up", wrap_up_until_ms: NOW_MS + 8_000 }));
    expect(id("wrap-up")).toHaveTextContent("+47 991 12 233");
    expect(id("wrap-up-left")).toHaveTextContent(/[78] s igjen/);
    await user.keyboard("d");
    expect(last()).toMatchObject({ name: "wrapup.done", args: {} });
  });
});

describe("whether a call is recorded", () => {
  const gap = { since_ms: NOW_MS, code: "full", labels: ["caller", "operator"] } as const;

  it("is said on the card, and at once that it is not, since when and why", async () => {
    const { event } = await seatedConsole();
    await event("call", call());
    expect(id("recording")).toHaveAttribute("data-state", "on");
    const calm = within(id("recording")).getByRole("status");
    const loud = within(id("recording")).getByRole("alert");
    expect(calm).toHaveTextContent("Opptak");
    expect(loud).toBeEmptyDOMElement();
    await event("call", call({ recording: false, recording_gap: { ...gap, labels: [...gap.labels] } }));
    expect(id("recording")).toHaveAttribute("data-state", "failing");
    expect(within(id("recording")).getByRole("alert")).toBe(loud);
    expect(loud).toHaveTextContent(`Tas IKKE opp siden ${clock(NOW_MS)}: disken er full`);
    expect(loud.querySelector(".chip")).toHaveAttribute("title", expect.stringContaining("Innringer, Operatør"));
    expect(calm).toBeEmptyDOMElement();
    await event("call", call());
    expect(within(id("recording")).getByRole("status")).toBe(calm);
    expect(calm).toHaveTextContent("Opptak");
    expect(loud).toBeEmptyDOMElement();
  });

  it("is said of calls that are over", async () => {
    const recent = TABLE["GET /calls?limit=50"][1].map((row) => ({
      ...row,
      tracks: [...row.tracks, { ...row.tracks[1], recording: "rec-again", started_at_ms: NOW_MS + 42_000 }],
      recording_gaps: [{ label: "caller", from_ms: NOW_MS, to_ms: NOW_MS + 42_000, code: "slow" }],
    }));
    const { user } = await seatedConsole({}, { ...TABLE, "GET /calls?limit=50": [200, recent] });
    await user.click(id("tab-recent"));
    expect(await screen.findByTestId("replay-rec-again")).toHaveTextContent(`Innringer ${clock(NOW_MS + 42_000)}`);
    expect(id("replay-rec-caller")).toHaveTextContent(`Innringer ${clock(NOW_MS)}`);
    expect(id("replay-rec-operator")).toHaveTextContent(/Operatør$/);
    expect(await screen.findByTestId("recording-gaps")).toHaveTextContent("Ikke tatt opp: 0:42");
    expect(id("recording-gaps")).toHaveTextContent(
      `Innringer: ikke tatt opp fra ${clock(NOW_MS)} til ${clock(NOW_MS + 42_000)} (disken henger etter)`,
    );
  });
});
