import { useEffect, useRef, useState } from "react";
import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import { BottomPanel } from "./BottomPanel";
import { PatchDialog, TransferDialog } from "./CallDialogs";
import { Centre } from "./Centre";
import { DevicesDialog, KeysDialog } from "./HelpDialogs";
import { useDesk, useDeskState, useLive } from "./hooks";
import type { Action } from "./keys";
import { NoticeLine, Toasts } from "./Notices";
import { QueuePanel } from "./QueuePanel";
import { RadioPanel } from "./RadioPanel";
import { TopBar } from "./TopBar";
import { useAttention } from "./useAttention";
import { useKeys } from "./useKeys";

type Open = "patch" | "transfer" | "keys" | "devices";

/** How long the first L waits for the second. */
const HANGUP_ARMED_MS = 2_000;

/** For so long a new offer cannot be rejected by key. */
export const REJECT_GUARD_MS = 400;

/** The console of a seat: a fixed grid, the dialogs over it, and the keys. */
export function Console({ app }: { app: App }) {
  const { t } = useLanguage();
  const { offer, call, me } = useLive();
  const { soundBlocked } = useDeskState();
  const desk = useDesk();
  const [open, setOpen] = useState<Open | null>(null);
  const [armed, setArmed] = useState<string | null>(null);
  const hangupArmed = armed !== null && armed === call?.contact;
  const close = () => setOpen(null);
  const act = useActions({ setOpen, setArmed, hangupArmed });

  useEffect(() => {
    if (armed === null) return;
    const timer = setTimeout(() => setArmed(null), HANGUP_ARMED_MS);
    return () => clearTimeout(timer);
  }, [armed]);
  // What merely informs gives way to an offer, so that it is seen and Enter answers it.
  const offered = offer && `${offer.contact} ${offer.epoch}`;
  useEffect(() => {
    if (offered) setOpen(null);
  }, [offered]);
  useEffect(() => {
    const unlock = () => desk.unlockSound();
    window.addEventListener("keydown", unlock, true);
    window.addEventListener("pointerdown", unlock, true);
    return () => {
      window.removeEventListener("keydown", unlock, true);
      window.removeEventListener("pointerdown", unlock, true);
    };
  }, [desk]);
  const dialog = open === "patch" || open === "transfer" ? (call ? open : null) : open;
  useKeys({
    context: {
      offer: offer !== null && !call,
      call: call !== null,
      wrapUp: me.state === "wrap-up",
    },
    act,
    release: (held) => (held === "ptt" ? desk.ptt.up("space") : call && desk.callerTalk(call.contact, false)),
  });
  useAttention(offer ? t("offer.title_blink", { queue: offer.queue_name }) : null, `${t("app.name")} · ${me.name}`);

  return (
    <div className="console">
      <TopBar app={app} onHelp={() => setOpen("keys")} onDevices={() => setOpen("devices")} />
      <NoticeLine />
      <QueuePanel />
      <Centre hangupArmed={hangupArmed} onPatch={() => setOpen("patch")} onTransfer={() => setOpen("transfer")} />
      <RadioPanel />
      <BottomPanel app={app} />
      <Toasts />
      {soundBlocked && (
        <button type="button" className="sound-prompt" data-testid="sound-prompt" onClick={() => desk.unlockSound()}>
          <strong>{t("sound.press_any_key")}</strong>
          <span>{t("sound.press_any_key_why")}</span>
        </button>
      )}
      {dialog === "patch" && call && <PatchDialog call={call} onClose={close} />}
      {dialog === "transfer" && call && <TransferDialog call={call} onClose={close} />}
      {dialog === "keys" && <KeysDialog onClose={close} />}
      {dialog === "devices" && <DevicesDialog onClose={close} />}
    </div>
  );
}

interface ActionHooks {
  setOpen(open: Open | null): void;
  setArmed(contact: string | null): void;
  hangupArmed: boolean;
}

/** Carries out what a key asks for. */
function useActions({ setOpen, setArmed, hangupArmed }: ActionHooks): (action: Action) => void {
  const desk = useDesk();
  const { offer, call, me, talkgroups } = useLive();
  const { selectedGssi, busy } = useDeskState();
  const selected = talkgroups.find((group) => group.gssi === selectedGssi);
  const contact = call?.contact ?? "";
  const ready = call !== null && call.state !== "connecting";
  // An Escape meant for what an offer just covered must not reject it.
  const offered = offer && `${offer.contact} ${offer.epoch}`;
  const shown = useRef({ offered, at_ms: 0 });
  if (shown.current.offered !== offered) shown.current = { offered, at_ms: performance.now() };
  const settled = () => performance.now() - shown.current.at_ms > REJECT_GUARD_MS;
  const run: Record<Action["do"], () => unknown> = {
    answer: () => offer && !busy.has("contact.accept") && desk.run("contact.accept", pick(offer)),
    reject: () => offer && settled() && !busy.has("contact.reject") && desk.run("contact.reject", pick(offer)),
    close: () => setOpen(null),
    hold: () => ready && !busy.has("contact.hold") && desk.run("contact.hold", { contact, on: call.state !== "held" }),
    hangup: () => {
      if (!hangupArmed) return setArmed(contact);
      setArmed(null);
      return desk.run("contact.hangup", { contact });
    },
    patch: () => {
      const patched = call?.patch?.state === "active" || call?.patch?.state === "requested";
      if (patched) return desk.run("contact.unpatch", { contact });
      return ready && setOpen("patch");
    },
    transfer: () => ready && setOpen("transfer"),
    video: () => ready && desk.run("video.invite", { contact }),
    "caller-talk": () => call?.patch?.state === "active" && desk.callerTalk(contact, true),
    done: () => !busy.has("wrapup.done") && desk.run("wrapup.done", {}),
    available: () => me.activity !== "available" && desk.run("activity.set", { activity: "available", reason: "" }),
    break: () => me.activity !== "break" && desk.run("activity.set", { activity: "break", reason: "" }),
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

function pick({ contact, epoch }: { contact: string; epoch: number }) {
  return { contact, epoch };
}
