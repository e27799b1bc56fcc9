import { cleanup, screen, within } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import type { HandedOver, Phone } from "../src/api/types";
import { clock } from "../src/ui/format";
import { appWith, FakePeer, installBrowser } from "./fakes";
import { abandoned, call, me, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, show, TABLE } from "./seated";

eachInItsOwnBrowser();

const handedOver: HandedOver = {
  contact: "h1",
  queue: "113-oslo",
  queue_name: "113 Oslo",
  class: "emergency",
  caller: "+4799112233",
  since_ms: NOW_MS - 5_000,
  operator: "ola",
  operator_name: "Ola Nordmann",
  of_room: null,
  parties: [
    {
      party: "p1",
      number: "110",
      label: "110 Brann",
      state: "answered",
      private: false,
      since_ms: NOW_MS,
      cause: "",
      text_nb: "",
      text_en: "",
    },
  ],
};
const phone = (part: Partial<Phone> = {}): Phone => ({ device: "desk", serves: false, state: "registered", ...part });

describe("abandoned calls", () => {
  it("are counted where nobody can miss them, F leads there, and one click calls back", async () => {
    const { user, event, last } = await seatedConsole();
    expect(id("count-abandoned")).toHaveTextContent("Tapte anrop 0");
    await event("abandoned", [abandoned()]);
    expect(id("count-abandoned")).toHaveTextContent("Tapte anrop 1");
    await user.keyboard("f");
    await act(() => new Promise((resolve) => setTimeout(resolve, 5)));
    expect(id("call-back-a1")).toHaveFocus();
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.callback", args: { contact: "a1" } });
  });

  it("that somebody calls back already show who, and offer nothing", async () => {
    const { user, event, reply } = await seatedConsole({ abandoned: [abandoned()] });
    await user.click(id("tab-abandoned"));
    await user.click(id("call-back-a1"));
    await reply({ ok: false, code: "claimed", message: "" });
    expect(id("toast")).toHaveTextContent("En annen operatør ringer opp allerede.");
    await event("abandoned", [abandoned({ claimed_by: "ola", claimed_by_name: "Ola Nordmann" })]);
    expect(id("abandoned-claimed-a1")).toHaveTextContent("Ola Nordmann ringer");
    const talking_since_ms = NOW_MS - 65_000;
    await event("abandoned", [abandoned({ claimed_by: "ola", claimed_by_name: "Ola Nordmann", talking_since_ms })]);
    expect(id("abandoned-claimed-a1")).toHaveTextContent(/Ola Nordmann har fått svar 1:0\d/);
    expect(screen.queryByTestId("call-back-a1")).toBeNull();
  });

  it("cannot be called back in the middle of a call", async () => {
    const { user } = await seatedConsole({ abandoned: [abandoned()], call: call() });
    await user.click(id("tab-abandoned"));
    expect(id("call-back-a1")).toBeDisabled();
  });
});

describe("calls without an operator", () => {
  it("show who is in them and are pulled back", async () => {
    const { user, last } = await seatedConsole({ handed_over: [handedOver] });
    expect(id("count-handed-over")).toHaveTextContent("Uten operatør 1");
    await user.click(id("follow-up"));
    const row = id("handed-over-h1");
    expect(row).toHaveTextContent("110 Brann");
    expect(row).toHaveTextContent("Ola Nordmann");
    await user.click(id("pull-back-h1"));
    expect(last()).toMatchObject({ name: "contact.pull_back", args: { contact: "h1" } });
  });
});

describe("the tabs below", () => {
  it("are walked through with the arrows", async () => {
    const { user } = await seatedConsole();
    id("tab-recent").focus();
    await user.keyboard("{ArrowLeft}");
    expect(id("tab-colleagues")).toHaveFocus();
    await user.keyboard("{ArrowRight}{ArrowRight}");
    expect(id("tab-abandoned")).toHaveAttribute("aria-selected", "true");
  });
});

describe("recent calls", () => {
  it("have buttons that say of which call they are, and whose voice is heard", async () => {
    const [, [recent]] = TABLE["GET /calls?limit=50"];
    const other = {
      ...recent,
      contact: "r2",
      caller: "",
      arrived_at_ms: NOW_MS + 90_000,
      operator_name: "Ola Nordmann",
    };
    const tracks = recent?.tracks ?? [];
    const again = tracks.filter((track) => track.label === "operator");
    const first = {
      ...recent,
      tracks: [...tracks, ...again.map((one) => ({ ...one, recording: "x", position: "oslo-2" }))],
    };
    await seatedConsole({}, { ...TABLE, "GET /calls?limit=50": [200, [first, other]] });
    const row = await screen.findByTestId("recent-row-r1");
    const time = clock(NOW_MS);
    expect(within(row).getByTestId("replay-rec-radio")).toHaveAccessibleName(
      `Radio · ${time} +47 991 12 233 · Kari Nordmann`,
    );
    const names = within(id("recent-calls"))
      .getAllByRole("button")
      .map((one) => one.getAttribute("aria-label") ?? "");
    expect(names).toContain(`Operatør ${time} · AMK Oslo 2 · ${time} +47 991 12 233 · Kari Nordmann`);
    expect(names).toContain(`Operatør · AMK Oslo 1 · ${clock(NOW_MS + 90_000)} Ukjent nummer · Ola Nordmann`);
    expect(names).toContain(`Ring opp · ${time} +47 991 12 233 · Kari Nordmann`);
    expect(names).not.toContain("");
    expect(new Set(names).size).toBe(names.length);
  });

  it("tell calls out from calls in, name who was called in, and are called back", async () => {
    const { user, last } = await seatedConsole();
    const row = await screen.findByTestId("recent-row-r1");
    expect(within(row).getByRole("img", { name: "Inn" })).toBeInTheDocument();
    await user.click(id("call-back-r1"));
    expect(last()).toMatchObject({ name: "contact.callback", args: { contact: "r1" } });
    cleanup();
    installBrowser();
    const [, [recent]] = TABLE["GET /calls?limit=50"];
    const others = [{ number: "112", label: "112 Politi", answered_at_ms: 1, ended_at_ms: 2, cause: "bye" }];
    const out = { ...recent, direction: "out", queue: "outgoing-oslo", queue_name: "outgoing-oslo", parties: others };
    const table = { ...TABLE, "GET /calls?limit=50": [200, [out]] as [number, unknown] };
    await seatedConsole({}, table);
    const shown = await screen.findByTestId("recent-row-r1");
    expect(within(shown).getByRole("img", { name: "Ut" })).toBeInTheDocument();
    expect(shown).toHaveTextContent("Utgående samtale");
    expect(id("recent-parties-r1")).toHaveTextContent("+1 112 Politi");
  });
});

describe("my phone", () => {
  it("is there only where the position has one, shows how it is, and takes over from the browser", async () => {
    const { user, event, last } = await seatedConsole({ phone: phone() });
    expect(id("phone-switch")).toHaveTextContent("pålogget");
    await user.click(id("phone-switch"));
    expect(last()).toMatchObject({ name: "position.phone", args: { on: true } });
    const peer = FakePeer.last();
    await event("phone", phone({ serves: true, state: "ringing" }));
    expect(id("phone-switch")).toHaveAttribute("aria-pressed", "true");
    expect(id("phone-switch")).toHaveTextContent("ringer");
    expect(id("media-state")).toHaveAttribute("data-state", "phone");
    expect(peer.closed).toBe(true);
    await event("phone", phone());
    await act(() => vi.waitFor(() => expect(FakePeer.last()).not.toBe(peer)));
    cleanup();
    installBrowser();
    await seatedConsole();
    expect(screen.queryByTestId("phone-switch")).toBeNull();
  });

  it("answers by itself: Enter does not, and the card says to pick it up; Escape still rejects", async () => {
    const { user, event, last, socket } = await seatedConsole({ phone: phone({ serves: true }) });
    await event("offer", offer());
    expect(id("offer-by-phone")).toHaveTextContent("Løft av røret");
    await user.keyboard("{Enter}");
    expect(socket().commands).toHaveLength(0);
    await user.click(id("offer-reject"));
    expect(last()).toMatchObject({ name: "contact.reject" });
  });

  it("that is away is said instead of the browser's sound", async () => {
    await seatedConsole({ phone: phone({ serves: true, state: "unregistered" }), me: me({ state: "unreachable" }) });
    expect(id("media-state")).toHaveTextContent("Telefonen er borte");
    expect(id("idle")).toHaveTextContent("Telefonen er ikke pålogget");
  });

  it("is shown where the position is chosen", async () => {
    const rows = [
      { position: "oslo-1", room: "oslo", room_name: "AMK", name: "1", taken_by: null, phone: "registered" },
    ];
    const { app } = appWith({ ...TABLE, "GET /positions": [200, rows] });
    await app.start();
    show(app);
    expect(id("position-phone-oslo-1")).toHaveTextContent("Telefon pålogget");
  });
});
