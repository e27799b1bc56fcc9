import { useEffect, useRef, useState } from "react";
import type { ServiceResult } from "../api/types";
import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import { BottomPanel, type Tab } from "./BottomPanel";
import { Centre } from "./Centre";
import { useDeck } from "./ChatDeck";
import { ColleagueDialog } from "./ColleagueDialog";
import { citizenOf, isLight, toHandOn, wholeCard } from "./cards";
import { AddPartyDialog, DialDialog } from "./DialDialogs";
import { DevicesDialog, KeysDialog } from "./HelpDialogs";
import { useDesk, useDeskState, useLive } from "./hooks";
import { KeypadDialog } from "./KeypadDialog";
import { MoveDialog } from "./MoveDialog";
import { NoticeLine, Toasts } from "./Notices";
import { tripleMissing } from "./Participants";
import { PatchDialog } from "./PatchDialog";
import { QueuePanel } from "./QueuePanel";
import { RadioPanel } from "./RadioPanel";
import { useRights } from "./rights";
import { ReadingDialog } from "./TheirChats";
import { TopBar } from "./TopBar";
import { TransferDialog } from "./TransferDialog";
import { type Armed, notifyAll, type Open, useActions } from "./useActions";
import { useAttention } from "./useAttention";
import { useKeepFocus } from "./useKeepFocus";
import { useKeys } from "./useKeys";
import { type Asked, WhyContext, WhyDialog } from "./Why";
import { useQueueTitle } from "./words";

/** How long the first press waits for the second. */
const ARMED_MS = 2_000;

/** The console of a seat: a fixed grid, the dialogs over it, and the keys. */
export function Console({ app }: { app: App }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const live = useLive();
  const { offer, call, me, cards, reading } = live;
  const alarm = wholeCard(cards);
  const { soundBlocked, busy } = useDeskState();
  useKeepFocus(busy, live);
  const desk = useDesk();
  const [open, setOpen] = useState<Open | null>(null);
  const [why, setWhy] = useState<Asked | null>(null);
  const [tab, setTab] = useState<Tab>("recent");
  const { armed, arm } = useArmed((call ?? alarm)?.contact);
  const deck = useDeckTab(setTab);
  const { refused, triple } = useTriple();
  const followUp = useFollowUp(setTab);
  const { explain } = useRights();
  const parked = () => show(setTab, "parked", ".parked-list");
  const act = useActions({
    setOpen,
    armed,
    arm,
    triple,
    followUp,
    parked,
    why: () => explain && setWhy(call),
    chats: () => setTab("chats"),
  });

  // What merely informs gives way to an offer, so that it is seen and Enter answers it.
  const offered = offer && `${offer.contact} ${offer.epoch}`;
  useEffect(() => {
    if (!offered) return;
    setOpen(null);
    setWhy(null);
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
  useKeys({
    context: {
      offer: offer !== null && !call && !alarm,
      call: call !== null,
      wrapUp: me.state === "wrap-up",
      chatOffer: isLight(offer) && (call !== null || alarm !== null),
      chats: deck.chats,
      alarm: alarm !== null && call === null,
    },
    act,
    release: (held) => (held === "ptt" ? desk.ptt.up("space") : call && desk.callerTalk(call.contact, false)),
  });
  useAttention(offer ? t("offer.title_blink", { queue: queueTitle(offer) }) : null, `${t("app.name")} · ${me.name}`);

  return (
    <WhyContext value={setWhy}>
      <div className={deck.shown ? "console has-deck" : "console"}>
        <TopBar app={app} onHelp={() => setOpen("keys")} onDevices={() => setOpen("devices")} />
        <NoticeLine />
        <QueuePanel onFollowUp={followUp} />
        <Centre
          armed={armed}
          refused={refused}
          onPatch={() => setOpen("patch")}
          onTransfer={() => setOpen("transfer")}
          onColleague={() => setOpen("colleague")}
          onKeypad={() => setOpen("keypad")}
          onAdd={() => setOpen("add")}
          onTriple={triple}
          onDial={() => setOpen("dial")}
        />
        <RadioPanel />
        <BottomPanel app={app} tab={tab} onTab={setTab} />
        <Toasts />
        {soundBlocked && (
          <button type="button" className="sound-prompt" data-testid="sound-prompt" onClick={() => desk.unlockSound()}>
            <strong>{t("sound.press_any_key")}</strong>
            <span>{t("sound.press_any_key_why")}</span>
          </button>
        )}
        <Dialogs open={open} onClose={() => setOpen(null)} />
        {reading?.card && !offer && <ReadingDialog reading={reading} card={reading.card} />}
        {why && <WhyDialog asked={why} onClose={() => setWhy(null)} />}
      </div>
    </WhyContext>
  );
}

/** The dialog that is open, if what it is about is still there. */
function Dialogs({ open, onClose }: { open: Open | null; onClose(): void }) {
  const { t } = useLanguage();
  const { call, cards } = useLive();
  const alarm = wholeCard(cards);
  if (open === "keys") return <KeysDialog onClose={onClose} />;
  if (open === "devices") return <DevicesDialog onClose={onClose} />;
  if (!call && alarm && open === "colleague")
    return <ColleagueDialog contact={alarm.contact} there={[]} giveOnly onClose={onClose} />;
  if (!call && alarm && open === "transfer") return <MoveDialog card={alarm} onClose={onClose} />;
  const chat = toHandOn(cards);
  if (!call && chat && open === "colleague")
    return <ColleagueDialog contact={chat.contact} there={[]} chatWith={citizenOf(chat, t)} onClose={onClose} />;
  if (!call) return open === "dial" ? <DialDialog onClose={onClose} /> : null;
  switch (open) {
    case "patch":
      return <PatchDialog call={call} onClose={onClose} />;
    case "transfer":
      return <TransferDialog call={call} onClose={onClose} />;
    case "add":
      return <AddPartyDialog call={call} onClose={onClose} />;
    case "colleague":
      return (
        <ColleagueDialog
          contact={call.contact}
          there={[call.holder, ...call.colleagues.map((one) => one.operator)]}
          onClose={onClose}
        />
      );
    case "keypad":
      return <KeypadDialog call={call} onClose={onClose} />;
    default:
      return null;
  }
}

/** The chats' tab comes up by itself with a chat that is new, taken or offered, and goes with the last one. */
function useDeckTab(setTab: (set: (tab: Tab) => Tab) => void) {
  const { chats, offered } = useDeck();
  const there = [...chats.map((card) => card.contact), ...(offered ? [offered.contact] : [])].join(" ");
  const before = useRef("");
  useEffect(() => {
    const known = before.current.split(" ");
    before.current = there;
    const fresh = there !== "" && there.split(" ").some((contact) => !known.includes(contact));
    if (fresh) setTab(() => "chats");
    if (there === "") setTab((tab) => (tab === "chats" ? "recent" : tab));
  }, [there, setTab]);
  return { shown: there !== "", chats: chats.length > 0 };
}

/** A first press counts for this call and two seconds. */
function useArmed(contact: string | undefined) {
  const [armed, setArmed] = useState<Armed | null>(null);
  useEffect(() => {
    if (armed === null) return;
    const timer = setTimeout(() => setArmed(null), ARMED_MS);
    return () => clearTimeout(timer);
  }, [armed]);
  return {
    armed: armed && armed.contact === contact ? armed.what : null,
    arm: (what: Armed["what"] | null) => setArmed(what && contact ? { what, contact } : null),
  };
}

/** The triple notification of the call, and which of its services could not even be dialled. */
function useTriple() {
  const desk = useDesk();
  const { call, services } = useLive();
  const [refused, setRefused] = useState<{ contact: string; results: ServiceResult[] } | null>(null);
  const triple = async () => {
    if (!call) return;
    setRefused(null);
    const missing = tripleMissing(services, call).map((one) => one.service);
    setRefused({ contact: call.contact, results: await notifyAll(desk, call, missing) });
  };
  return {
    refused: refused && refused.contact === call?.contact ? refused.results : [],
    triple: () => void triple(),
  };
}

/** To the list that has something to follow up: first those who gave up, then calls without an operator. */
function useFollowUp(setTab: (tab: Tab) => void) {
  const { abandoned, handed_over } = useLive();
  const tab = abandoned.length > 0 || handed_over.length === 0 ? "abandoned" : "handed-over";
  return () => show(setTab, tab, ".follow-up-list");
}

/** Shows a list below and leads to the first thing that can be done in it. */
function show(setTab: (tab: Tab) => void, tab: Tab, list: string): void {
  setTab(tab);
  // After the list is drawn.
  setTimeout(() => document.querySelector<HTMLElement>(`${list} button:not(:disabled)`)?.focus(), 0);
}
