import type { Card, Reading } from "../api/cards";
import type { StaffRow } from "../api/staff";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { Move } from "./CallMoves";
import { Messages } from "./ChatDeck";
import { citizenOf } from "./cards";
import { Dialog } from "./Dialog";
import { duration } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { useRights } from "./rights";
import { useQueueTitle } from "./words";

interface TheirChatsProps {
  row: StaffRow;
  onDone(outcome: { ok: true } | { ok: false; code: string }): void;
}

/** The chats that somebody has, for their shift lead: to look into, or to take over. */
export function TheirChats({ row, onDone }: TheirChatsProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { me, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const { busy } = useDeskState();
  const { listen } = useRights();
  if (!listen || row.chats.length === 0) return null;
  const myself: Word | null = row.operator === me.operator ? "lead.yourself" : null;
  const away: Word | null = myself ?? (me.state === "unreachable" ? "error.no-media" : null);
  const read = async (contact: string) => onDone(await desk.ask("contact.read", { contact, on: true }));
  const take = async (contact: string) => onDone(await desk.ask("contact.take_over", { contact }));
  return (
    <ul className="their-chats" data-testid="their-chats" aria-label={t("chat.deck")}>
      {row.chats.map((chat) => (
        <li key={chat.contact} className={`class-edge class-${chat.class}`} data-testid={`their-chat-${chat.contact}`}>
          <span className="their-chat-who">
            <strong>{citizenOf(chat, t)}</strong>
            <span className="muted">
              {queueTitle(chat)} · <span className="number">{duration(now - chat.since_ms)}</span>
            </span>
          </span>
          <Move
            id={`lead-read-${chat.contact}`}
            why={myself}
            hint="lead.read_hint"
            waits={busy.has("contact.read")}
            onClick={() => void read(chat.contact)}
          >
            {t("chat.read")}
          </Move>
          <Move
            id={`lead-take-chat-${chat.contact}`}
            why={away}
            hint="lead.take_chat_hint"
            waits={busy.has("contact.take_over")}
            onClick={() => void take(chat.contact)}
          >
            {t("lead.take_over")}
          </Move>
        </li>
      ))}
    </ul>
  );
}

/** What is written in somebody's chat, as it is written; whoever has it sees who looks in. */
export function ReadingDialog({ reading, card }: { reading: Reading; card: Card }) {
  const { t } = useLanguage();
  const queue = useQueueTitle()(card);
  const desk = useDesk();
  const { me } = useLive();
  const { busy } = useDeskState();
  const { contact } = reading;
  const who = citizenOf(card, t);
  return (
    <Dialog
      title={t("lead.reads", { who })}
      onClose={() => void desk.run("contact.read", { contact, on: false })}
      wide
      look="reading"
    >
      <p className="muted" data-testid="reading-holder">
        {reading.holder === null
          ? t("lead.read_nobody", { queue })
          : t("lead.read_of", { name: reading.holder_name, queue })}
      </p>
      <Messages card={card} who={who} />
      <div className="chat-buttons">
        <Move
          id="reading-take-over"
          why={reading.holder === null ? "lead.read_waits" : me.state === "unreachable" ? "error.no-media" : null}
          hint="lead.take_chat_hint"
          waits={busy.has("contact.take_over")}
          onClick={() => void desk.run("contact.take_over", { contact })}
        >
          {t("lead.take_over")}
        </Move>
      </div>
    </Dialog>
  );
}
