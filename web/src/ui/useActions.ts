import { useRef } from "react";
import type { Call, ServiceResult } from "../api/types";
import type { Desk } from "../state/desk";
import { othersStay } from "./CallButtons";
import { EXTEND_S } from "./Centre";
import { isLight, nextToAnswer, toHandOn, wholeCard } from "./cards";
import { useDesk, useDeskState, useLive } from "./hooks";
import type { Action } from "./keys";
import { listensIn, type Move, whyNot } from "./moves";
import { tripleMissing } from "./Participants";

/** A dialog of the console. */
export type Open = "patch" | "transfer" | "keys" | "devices" | "dial" | "add" | "keypad" | "colleague";

/** A key whose first press waits for the second: nothing that ends or widens a call happens by one slip. */
export interface Armed {
  what: "hangup" | "leave" | "triple" | "merge" | "complete" | "take-over" | "alarm";
  contact: string;
}

/** For so long a new offer cannot be rejected by key. */
export const REJECT_GUARD_MS = 400;

interface ActionHooks {
  setOpen(open: Open | null): void;
  armed: Armed["what"] | null;
  arm(what: Armed["what"] | null): void;
  triple(): void;
  followUp(): void;
  /** To the calls in the room's slots. */
  parked(): void;
  why(): void;
  /** To the chats below. */
  chats(): void;
}

/** Carries out what a key asks for. */
export function useActions({
  setOpen,
  armed,
  arm,
  triple,
  followUp,
  parked,
  why,
  chats,
}: ActionHooks): (action: Action) => void {
  const desk = useDesk();
  const { offer, call, me, talkgroups, services, phone, cards } = useLive();
  const { selectedGssi, busy } = useDeskState();
  const selected = talkgroups.find((group) => group.gssi === selectedGssi);
  const contact = call?.contact ?? "";
  const ready = call !== null && call.state !== "connecting";
  const there = ready && call.far_end !== "gone" && call.part === "holder";
  const can = (move: Move) => call !== null && whyNot(move, call) === null;
  const listens = call !== null && listensIn(call);
  // An Escape meant for what an offer just covered must not reject it.
  const offered = offer && `${offer.contact} ${offer.epoch}`;
  const shown = useRef({ offered, at_ms: 0 });
  if (shown.current.offered !== offered) shown.current = { offered, at_ms: performance.now() };
  const settled = () => performance.now() - shown.current.at_ms > REJECT_GUARD_MS;
  const twice = (what: Armed["what"], act: () => unknown) => {
    if (armed !== what) return arm(what);
    arm(null);
    return act();
  };
  const byPhone = phone?.serves && offer?.kind === "voice";
  const answers = offer && !byPhone && !busy.has("contact.accept");
  const alarm = wholeCard(cards);
  const run: Record<Action["do"], () => unknown> = {
    answer: () => answers && desk.run("contact.accept", pick(offer)),
    reject: () => offer && settled() && !busy.has("contact.reject") && desk.run("contact.reject", pick(offer)),
    "take-chat": () => isLight(offer) && !busy.has("contact.accept") && desk.run("contact.accept", pick(offer)),
    "answer-chat": () => {
      const next = nextToAnswer(cards, document.activeElement?.getAttribute("data-chat-input") ?? null);
      chats();
      // After the tab is drawn.
      setTimeout(() => document.querySelector<HTMLElement>(`[data-chat-input="${next}"]`)?.focus(), 0);
    },
    "end-alarm": () => alarm && twice("alarm", () => desk.run("contact.hangup", { contact: alarm.contact })),
    close: () => setOpen(null),
    hold: () => there && !busy.has("contact.hold") && desk.run("contact.hold", { contact, on: call.state !== "held" }),
    hangup: () => twice("hangup", () => desk.run("contact.hangup", { contact })),
    leave: () => call && othersStay(call) && twice("leave", () => desk.run("contact.leave", { contact })),
    triple: () =>
      ready &&
      call.part === "holder" &&
      !busy.has("contact.conference") &&
      tripleMissing(services, call).length > 0 &&
      twice("triple", triple),
    patch: () => {
      const patched = call?.patch?.state === "active" || call?.patch?.state === "requested";
      if (patched) return desk.run("contact.unpatch", { contact });
      return there && setOpen("patch");
    },
    transfer: () => (there || (!call && alarm)) && setOpen("transfer"),
    keypad: () => call && call.far_end !== "dialing" && call.far_end !== "ringing" && setOpen("keypad"),
    dial: () => setOpen("dial"),
    add: () => ready && call.part === "holder" && setOpen("add"),
    "follow-up": followUp,
    park: () => can("park") && !busy.has("contact.park") && desk.run("contact.park", { contact }),
    colleague: () => (can("colleague") || (!call && (alarm || toHandOn(cards)))) && setOpen("colleague"),
    swap: () => {
      if (busy.has("consult.swap") || busy.has("contact.listen")) return false;
      if (listens) return desk.run("contact.listen", { contact, whisper: call.part !== "whisper" });
      return can("swap") && desk.run("consult.swap", { contact });
    },
    merge: () => can("merge") && twice("merge", () => desk.run("consult.merge", { contact })),
    complete: () =>
      listens
        ? twice("take-over", () => desk.run("contact.take_over", { contact }))
        : can("complete") && twice("complete", () => desk.run("consult.complete", { contact })),
    parked,
    why,
    video: () => there && desk.run("video.invite", { contact }),
    "caller-talk": () => call?.patch?.state === "active" && desk.callerTalk(contact, true),
    done: () => !busy.has("wrapup.done") && desk.run("wrapup.done", {}),
    extend: () =>
      me.wrap_up_extension_left_ms > 0 &&
      !busy.has("wrapup.extend") &&
      desk.run("wrapup.extend", { seconds: EXTEND_S }),
    available: () =>
      me.activity !== "available" && desk.run("activity.set", { activity: "available", reason: "", note: "" }),
    break: () => me.activity !== "break" && desk.run("activity.set", { activity: "break", reason: "", note: "" }),
    monitor: () => selected && desk.run("talkgroup.monitor", { gssi: selected.gssi, on: !selected.monitored }),
    ptt: () => selected?.monitored && selected.attached === "attached" && desk.ptt.down("space", selected.gssi),
    help: () => setOpen("keys"),
    select: () => undefined,
  };
  return (action) => {
    if (action.do !== "select") run[action.do]();
    else if (talkgroups[action.index]) desk.select(talkgroups[action.index]?.gssi ?? 0);
  };
}

/** Calls in those of 110 and 112 who are not there yet; gives those who could not even be dialled. */
export async function notifyAll(desk: Desk, call: Call, services: readonly string[]): Promise<ServiceResult[]> {
  const outcome = await desk.ask("contact.conference", { contact: call.contact, services: [...services] });
  if (!outcome.ok) return services.map((service) => ({ service, party: null, code: outcome.code, message: "" }));
  const results = outcome.result["parties"];
  return Array.isArray(results) ? results.filter((result) => result.code !== "") : [];
}

function pick({ contact, epoch }: { contact: string; epoch: number }) {
  return { contact, epoch };
}
