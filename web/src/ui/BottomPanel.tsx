import { useRef } from "react";
import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import { ChatDeck, useDeck } from "./ChatDeck";
import { unansweredSince } from "./cards";
import { Figures } from "./Figures";
import { FlaggedNumbers } from "./FlaggedNumbers";
import { AbandonedCalls, HandedOverCalls } from "./FollowUpLists";
import { useLive } from "./hooks";
import { LabPanel } from "./LabPanel";
import { Operators } from "./Operators";
import { ParkedCalls } from "./ParkedCalls";
import { RecentCalls } from "./RecentCalls";
import { RoomPanel } from "./RoomPanel";
import { useRights } from "./rights";

const TABS = [
  ["chats", "chat.deck"],
  ["recent", "bottom.recent"],
  ["abandoned", "bottom.abandoned_tab"],
  ["handed-over", "bottom.handed_over"],
  ["parked", "bottom.parked"],
  ["flags", "bottom.flags"],
  ["colleagues", "bottom.colleagues"],
  ["room", "bottom.room"],
  ["figures", "bottom.figures"],
] as const;

export type Tab = (typeof TABS)[number][0];

interface BottomPanelProps {
  app: App;
  tab: Tab;
  onTab(tab: Tab): void;
}

/** Below: recent calls, what is to be followed up, and colleagues as tabs; the lab panel beside them where there is one. */
export function BottomPanel({ app, tab, onTab }: BottomPanelProps) {
  const { t } = useLanguage();
  const { server, abandoned, handed_over, parked, flags } = useLive();
  const { chats, offered } = useDeck();
  const deck = chats.length > 0 || offered !== null;
  const list = useRef<HTMLDivElement>(null);
  const counts: Partial<Record<Tab, number>> = {
    abandoned: abandoned.length,
    "handed-over": handed_over.length,
    parked: parked.length,
    flags: flags.length,
    chats: chats.length,
  };
  const waits = offered !== null || chats.some((card) => unansweredSince(card) !== null);
  const { lead, figures } = useRights();
  const allowed: Partial<Record<Tab, boolean>> = { chats: deck, room: lead, figures };
  const tabs = TABS.filter(([name]) => allowed[name] !== false);
  const step = (by: number) => {
    const at = tabs.findIndex(([name]) => name === tab);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    onTab(next[0]);
    list.current?.querySelector<HTMLElement>(`[data-testid="tab-${next[0]}"]`)?.focus();
  };
  return (
    <section className="bottom" aria-label={t("bottom.recent")}>
      <div className="panel panel-grow">
        <div
          ref={list}
          className="tabs"
          role="tablist"
          onKeyDown={(event) => {
            if (event.key === "ArrowRight") step(1);
            if (event.key === "ArrowLeft") step(-1);
          }}
        >
          {tabs.map(([name, word]) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={tab === name}
              tabIndex={tab === name ? 0 : -1}
              data-testid={`tab-${name}`}
              onClick={() => onTab(name)}
            >
              {t(word)}
              {name in counts && (
                <span
                  className={counts[name] && (name !== "chats" || waits) ? `tab-count tab-count-${name}` : "tab-count"}
                >
                  {counts[name]}
                </span>
              )}
            </button>
          ))}
        </div>
        {deck && <ChatDeck shown={tab === "chats"} />}
        {tab === "recent" && <RecentCalls http={app.http} />}
        {tab === "abandoned" && <AbandonedCalls />}
        {tab === "handed-over" && <HandedOverCalls />}
        {tab === "parked" && <ParkedCalls />}
        {tab === "flags" && <FlaggedNumbers />}
        {tab === "colleagues" && <Operators app={app} />}
        {tab === "room" && lead && <RoomPanel />}
        {tab === "figures" && figures && <Figures />}
      </div>
      {server.lab && <LabPanel http={app.http} />}
    </section>
  );
}
