import { screen } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it } from "vitest";
import type { Party, Service } from "../src/api/types";
import { dialable } from "../src/ui/NumberPad";
import { call, me, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole } from "./seated";

eachInItsOwnBrowser();

const SERVICES: Service[] = [
  { service: "110", label: "110 Brann", number: "110" },
  { service: "112", label: "112 Politi", number: "112" },
  { service: "ous", label: "Ullevål", number: "22000001" },
];
const party = (part: Partial<Party> = {}): Party => ({
  party: "p1",
  number: "110",
  label: "110 Brann",
  state: "answered",
  private: false,
  since_ms: NOW_MS,
  cause: "",
  text_nb: "",
  text_en: "",
  ...part,
});
const inCall = (part: Parameters<typeof call>[0] = {}) =>
  seatedConsole({ call: call(part), me: me({ state: "busy" }), services: SERVICES });
const dialled = (part: Parameters<typeof call>[0] = {}) =>
  call({
    direction: "out",
    state: "connecting",
    far_end: "ringing",
    caller: "+4722000001",
    answered_at_ms: null,
    ...part,
  });

describe("the dial pad", () => {
  it("opens with N on a break too, takes a number by keyboard and click, and Enter dials it", async () => {
    const { user, last, reply } = await seatedConsole({ me: me({ activity: "break" }), services: SERVICES });
    await user.keyboard("n");
    expect(id("pad-number")).toHaveFocus();
    await user.keyboard("220 00");
    await user.click(id("pad-0"));
    await user.click(id("pad-erase"));
    await user.keyboard("001{Enter}");
    expect(last()).toMatchObject({ name: "contact.dial", args: { number: "22000001", display: "" } });
    expect(id("pad-dial")).toBeDisabled();
    await reply({ ok: true, result: { contact: "c9" } });
    expect(screen.queryByTestId("number-pad")).toBeNull();
  });

  it("dials a service with one click, by its name", async () => {
    const { user, last } = await seatedConsole({ services: SERVICES });
    await user.click(id("open-dial"));
    await user.click(id("pad-service-ous"));
    expect(last()).toMatchObject({ name: "contact.dial", args: { number: "22000001", display: "Ullevål" } });
  });

  it("says a refusal where the operator looks, and stays", async () => {
    const { user, reply } = await seatedConsole({ services: SERVICES });
    await user.keyboard("n820{Enter}");
    await reply({ ok: false, code: "forbidden-number", message: "no" });
    expect(id("pad-problem")).toHaveTextContent("Dette nummeret kan ikke ringes herfra.");
    expect(id("pad-number")).toHaveValue("820");
  });

  it("closes on Escape, gives way to an offer, and does not open over one", async () => {
    const { user, event, socket } = await seatedConsole({ services: SERVICES });
    await user.keyboard("n");
    act(() => {
      id("number-pad")
        .closest("dialog")
        ?.dispatchEvent(new Event("cancel", { cancelable: true }));
    });
    expect(screen.queryByTestId("number-pad")).toBeNull();
    await user.keyboard("n22");
    await event("offer", offer());
    expect(screen.queryByTestId("number-pad")).toBeNull();
    await user.keyboard("n");
    expect(screen.queryByTestId("number-pad")).toBeNull();
    expect(socket().commands).toHaveLength(0);
  });

  it("takes of a pasted text what can be dialled", () => {
    expect(dialable("+47 (22) 00-00 01 *#")).toBe("+4722000001*#");
    expect(dialable("1".repeat(60))).toHaveLength(32);
  });
});

describe("a call out", () => {
  it("shows how it goes until somebody answers, and only hanging up is possible", async () => {
    const { event, user, last, socket } = await seatedConsole({
      call: dialled({ far_end: "dialing", display: "Ullevål" }),
    });
    expect(id("call-state")).toHaveTextContent("Slår nummer");
    expect(id("call-card")).toHaveTextContent("Ullevål");
    expect(screen.queryByTestId("call-location")).toBeNull();
    await event("call", dialled({ far_end: "early" }));
    expect(id("far-line")).toHaveTextContent("Ingen har svart ennå");
    for (const button of ["call-hold", "call-transfer", "party-add", "call-leave", "video-invite"]) {
      expect(id(button)).toBeDisabled();
    }
    await user.keyboard("hxxggt");
    expect(socket().commands).toHaveLength(0);
    await user.click(id("call-hangup"));
    expect(last()).toMatchObject({ name: "contact.hangup", args: { contact: "c1" } });
    await event("call", dialled({ far_end: "answered", state: "connected", answered_at_ms: NOW_MS }));
    expect(id("call-state")).toHaveTextContent("I samtale");
  });

  it("that came to nothing says why in the operator's language, and can be made again", async () => {
    const { event, user, last } = await seatedConsole({ call: dialled() });
    await event("call.ended", { contact: "c1", cause: "busy", text_nb: "Opptatt", text_en: "Busy" });
    await event("me", me());
    expect(id("call-outcome")).toHaveTextContent("Opptatt");
    await user.click(id("lang-en"));
    expect(id("call-outcome")).toHaveTextContent("Busy");
    await user.click(id("dial-again"));
    expect(last()).toMatchObject({ name: "contact.dial", args: { number: "+4722000001" } });
    await event("call", dialled({ contact: "c2" }));
    expect(screen.queryByTestId("call-outcome")).toBeNull();
    await event("call.ended", { contact: "c2", cause: "hangup", text_nb: "", text_en: "" });
    await event("me", me());
    expect(id("call-outcome")).toHaveTextContent("You hung up before anybody answered");
  });
});

describe("parties", () => {
  it("are added by N with a number or a service, joined or in private", async () => {
    const { user, last, reply } = await inCall();
    await user.keyboard("n");
    await user.click(id("party-add-private"));
    await user.click(id("pad-service-ous"));
    expect(last()).toMatchObject({
      name: "party.add",
      args: { contact: "c1", number: "22000001", private: true, label: "Ullevål" },
    });
    await reply({ ok: false, code: "too-many-parties", message: "" });
    expect(id("pad-problem")).toHaveTextContent("Det er ikke plass til flere");
  });

  it("show state and cause, and are made private, joined again, dropped and called again", async () => {
    const busy = party({
      party: "p2",
      number: "112",
      label: "112 Politi",
      state: "ended",
      cause: "busy",
      text_nb: "Opptatt",
    });
    const { user, event, last, reply } = await inCall({ parties: [party(), busy] });
    expect(id("party-p1")).toHaveAttribute("data-state", "answered");
    expect(id("party-p2")).toHaveTextContent("112 PolitiOpptatt");
    await user.click(id("party-private-p1"));
    expect(last()).toMatchObject({ name: "party.private", args: { contact: "c1", party: "p1", on: true } });
    await reply();
    await event("call", call({ parties: [party({ private: true }), busy] }));
    expect(id("far-end")).toHaveTextContent("Hører musikk");
    await user.click(id("party-private-p1"));
    expect(last()).toMatchObject({ args: { on: false } });
    await user.click(id("party-drop-p1"));
    expect(last()).toMatchObject({ name: "party.drop", args: { contact: "c1", party: "p1" } });
    await user.click(id("party-again-p2"));
    expect(last()).toMatchObject({ name: "party.add", args: { number: "112", label: "112 Politi", private: false } });
  });

  it("hear each other, not music, where several are left without the operator", async () => {
    const apart = party({ party: "p3", number: "+4722000001", label: "Ullevål", private: true });
    await inCall({ parties: [party(), apart] });
    expect(id("far-end")).toHaveTextContent("Snakker sammen uten deg");
    expect(id("party-p1")).toHaveTextContent("Snakker sammen uten deg");
    expect(id("party-p3")).toHaveTextContent("Privat med deg");
  });

  it("110 and 112 are notified with one click; each shows what became of it", async () => {
    const { user, event, last, reply, socket } = await inCall();
    await user.click(id("triple"));
    expect(last()).toMatchObject({ name: "contact.conference", args: { contact: "c1", services: ["110", "112"] } });
    const parties = [
      { service: "110", party: "p1", code: "", message: "" },
      { service: "112", party: null, code: "no-route", message: "" },
    ];
    await reply({ ok: true, result: { parties } });
    await event("call", call({ parties: [party({ state: "ringing" })] }));
    expect(id("service-refused-112")).toHaveTextContent("112 PolitiIngen linje fører til dette nummeret.");
    expect(screen.queryByTestId("service-refused-110")).toBeNull();
    expect(id("party-p1")).toHaveTextContent("Ringer");
    await user.keyboard("x");
    expect(socket().commands).toHaveLength(1);
    expect(id("triple")).toHaveAttribute("data-armed", "yes");
    await user.keyboard("x");
    expect(last()).toMatchObject({ name: "contact.conference", args: { services: ["112"] } });
  });
});

describe("out of the call", () => {
  it("G leaves at the second press, and not where nobody else is there", async () => {
    const { user, event, last, socket } = await inCall({ parties: [party({ state: "ringing" })] });
    await user.keyboard("gg");
    expect(socket().commands).toHaveLength(0);
    await event("call", call({ parties: [party()] }));
    await user.keyboard("g");
    expect(id("call-leave")).toHaveAttribute("data-armed", "yes");
    await user.keyboard("g");
    expect(last()).toMatchObject({ name: "contact.leave", args: { contact: "c1" } });
  });

  it("the first press of one key does not count for another", async () => {
    const { user, socket } = await inCall({ parties: [party()] });
    await user.keyboard("glg");
    expect(socket().commands).toHaveLength(0);
  });

  it("T transfers to a number at once, or lets the carrier do it where it can", async () => {
    const { user, event, last, reply } = await inCall();
    await user.keyboard("t");
    expect(screen.queryByTestId("transfer-carrier")).toBeNull();
    await user.keyboard("22000001{Enter}");
    expect(last()).toMatchObject({ name: "contact.transfer_out", args: { contact: "c1", number: "22000001" } });
    await reply({ ok: false, code: "no-route", message: "" });
    expect(id("pad-problem")).toHaveAttribute("data-code", "no-route");
    await event("call", call({ can_refer: true }));
    await user.click(id("transfer-carrier"));
    await user.click(id("pad-service-ous"));
    expect(last()).toMatchObject({ name: "contact.refer", args: { contact: "c1", number: "22000001" } });
    await reply();
    await event("call", call({ referral: { number: "+4722000001", state: "trying" } }));
    expect(id("referral")).toHaveTextContent("Nettet setter over til +47 22 00 00 01");
  });

  it("K sends tones as they are typed, to the one who was called in last or to whom is chosen", async () => {
    const { user, last, reply } = await inCall({ parties: [party()] });
    await user.keyboard("k5");
    expect(last()).toMatchObject({ name: "contact.dtmf", args: { contact: "c1", digits: "5", party: "p1" } });
    await reply();
    expect(id("keypad-sent")).toHaveTextContent("5");
    await user.click(id("keypad-end-far"));
    await user.click(id("keypad-#"));
    expect(last()).toMatchObject({ args: { digits: "#", party: null } });
    await reply({ ok: false, code: "no-dtmf", message: "" });
    expect(id("keypad-sent")).toHaveTextContent(/^5$/);
    expect(screen.getByText("Motparten tar ikke imot taster.")).toBeInTheDocument();
  });
});
