import { useEffect, useRef, useState } from "react";
import type { Card, CardMessage } from "../api/cards";
import type { Offer } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Move } from "./CallMoves";
import { InvitedBy } from "./CaseMarks";
import { ColleagueDialog } from "./ColleagueDialog";
import { ANSWER_LATE_MS, citizenOf, isLight, unansweredSince, wholeCard } from "./cards";
import { clock, duration, phone, secondsLeft } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { MoveDialog } from "./MoveDialog";
import { WhyMark } from "./Why";
import { useQueueTitle } from "./words";

const TEXT_MAX = 2_000;

/** What the deck holds: the chats, and one that is offered while something else is in the middle. */
export function useDeck(): { chats: Card[]; offered: Offer | null } {
  const { cards, offer, call } = useLive();
  const beside = call !== null || wholeCard(cards) !== null;
  return { chats: cards.filter((card) => card.kind === "chat"), offered: isLight(offer) && beside ? offer : null };
}

/** The chats at this position, beside each other and beside whatever is in the middle; a chat that is offered during a
 * call stands here too. */
export function ChatDeck({ shown }: { shown: boolean }) {
  const { t } = useLanguage();
  const { chats, offered } = useDeck();
  return (
    <section className="deck" data-testid="chat-deck" aria-label={t("chat.deck")} hidden={!shown}>
      {offered && <OfferedChat key={`${offered.contact}-${offered.epoch}`} offer={offered} />}
      {chats.map((card) => (
        <Chat key={card.contact} card={card} />
      ))}
    </section>
  );
}

/** A chat offered during a call: it interrupts nothing. */
function OfferedChat({ offer }: { offer: Offer }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { busy } = useDeskState();
  const now = useNow(useLive().clock_offset_ms, 250);
  const { contact, epoch } = offer;
  return (
    <div className={`chat chat-offered class-edge class-${offer.class}`} data-testid="chat-offer" role="alert">
      <header className="chat-head">
        <span className="chip">{t("chat.offered")}</span>
        <strong>{offer.caller_name || (offer.caller ? phone(offer.caller) : t("caller.unknown"))}</strong>
        <span className="muted number">{secondsLeft(offer.expires_at_ms, now)} s</span>
        <WhyMark asked={offer} at="offer" />
      </header>
      <InvitedBy purpose={offer.purpose} name={offer.invited_by_name} />
      <p className="muted">{queueTitle(offer)}</p>
      {offer.messages.length > 0 ? (
        <Messages card={offer} who={offer.caller_name || t("caller.unknown")} />
      ) : (
        <p className="chat-preview">{offer.text}</p>
      )}
      <div className="chat-buttons">
        <button
          type="button"
          className="button button-primary"
          data-testid="chat-offer-accept"
          data-own-enter
          disabled={busy.has("contact.accept")}
          onClick={() => void desk.run("contact.accept", { contact, epoch })}
        >
          {t("chat.take")} <kbd>I</kbd>
        </button>
        <button
          type="button"
          className="button"
          data-testid="chat-offer-reject"
          data-own-enter
          disabled={busy.has("contact.reject")}
          onClick={() => void desk.run("contact.reject", { contact, epoch })}
        >
          {t("offer.reject")}
        </button>
      </div>
    </div>
  );
}

/** One chat: who, what was written, and the line to answer in. */
function Chat({ card }: { card: Card }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const now = useNow(useLive().clock_offset_ms);
  const waits_ms = unansweredSince(card);
  const late = waits_ms !== null && now - waits_ms >= ANSWER_LATE_MS;
  const who = citizenOf(card, t);
  return (
    <article
      className={`chat class-edge class-${card.class}`}
      data-testid={`chat-${card.contact}`}
      aria-label={t("chat.with", { who })}
    >
      <header className="chat-head">
        <strong className="chat-who">{who}</strong>
        <span className={`number chat-wait ${late ? "age-late" : waits_ms === null ? "muted" : "age-warn"}`}>
          {waits_ms === null ? t("chat.answered") : t("chat.waits", { time: duration(now - waits_ms) })}
        </span>
        <WhyMark asked={card} at="card" />
      </header>
      <p className="muted chat-facts">
        {[
          queueTitle(card),
          card.caller_name && card.caller ? phone(card.caller) : "",
          card.channel,
          card.language,
          card.area,
          card.source,
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      <Messages card={card} who={who} />
      <Handing card={card} now={now} />
      {card.silent_since_ms !== null && <Silent card={card} since_ms={card.silent_since_ms} now={now} />}
      <Answer card={card} who={who} />
    </article>
  );
}

/** Who is asked for the chat, until when, with the way back; or who did not take it; and who looks in. */
function Handing({ card, now }: { card: Card; now: number }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { kept } = useLive();
  const { busy } = useDeskState();
  const { contact, handing } = card;
  const not = kept[contact];
  return (
    <>
      {handing && (
        <p className="chat-handing" role="status" data-testid={`chat-handing-${contact}`}>
          <span>
            {t("chat.asks", { name: handing.name })}{" "}
            <span className="number" aria-hidden="true">
              {secondsLeft(handing.expires_at_ms, now)} s
            </span>
          </span>
          <button
            type="button"
            className="button button-small"
            data-testid={`chat-back-${contact}`}
            data-own-enter
            disabled={busy.has("colleague.drop")}
            onClick={() => void desk.run("colleague.drop", { contact, operator: handing.operator })}
          >
            {t("chat.back")}
          </button>
        </p>
      )}
      {not && !handing && (
        <p className="chat-silent" role="status" data-testid={`chat-kept-${contact}`}>
          {t(not.reason === "rejected" ? "chat.kept_no" : not.reason === "expired" ? "chat.kept_late" : "chat.kept", {
            name: not.name,
          })}
        </p>
      )}
      {card.readers.length > 0 && (
        <p className="muted chat-readers" role="status" data-testid={`chat-readers-${contact}`}>
          {t("chat.readers", { names: card.readers.join(", ") })}
        </p>
      )}
    </>
  );
}

/** Nobody writes: whose turn it is, and when the chat ends by itself if it does. */
function Silent({ card, since_ms, now }: { card: Card; since_ms: number; now: number }) {
  const { t } = useLanguage();
  const ours = unansweredSince(card) !== null;
  const time = duration(now - since_ms);
  return (
    <p className="chat-silent" role="status" data-testid={`chat-silent-${card.contact}`}>
      {card.ends_at_ms !== null
        ? t("chat.silent_ends", { time, left: duration(Math.max(0, card.ends_at_ms - now)) })
        : t(ours ? "chat.silent_ours" : "chat.silent", { time })}
    </p>
  );
}

/** The newest at the bottom and in sight, unless somebody reads further up: the style sheet holds it there. */
export function Messages({ card, who }: { card: Pick<Card, "contact" | "messages">; who: string }) {
  const { t } = useLanguage();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key
    <div className="chat-scroll" role="log" aria-label={t("chat.messages", { who })} tabIndex={0}>
      <ol className="chat-messages" data-testid={`chat-messages-${card.contact}`}>
        {card.messages.map((message) => (
          <Said key={message.number} message={message} />
        ))}
      </ol>
    </div>
  );
}

function Said({ message }: { message: CardMessage }) {
  return (
    <li className={`said said-${message.by}`}>
      <span className="muted number said-at">
        {clock(message.at_ms).slice(0, 5)}
        {message.name && ` ${message.name}`}
      </span>
      <span className="said-text">{message.text}</span>
    </li>
  );
}

/** Enter sends, Shift+Enter begins a line, Escape leaves the field. What could not be sent stays in it. */
function Answer({ card, who }: { card: Card; who: string }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const [text, setText] = useState("");
  const [sure, setSure] = useState(false);
  const [moving, setMoving] = useState(false);
  const [giving, setGiving] = useState(false);
  const { offer } = useLive();
  const key = useRef("");
  const { contact } = card;
  useEffect(() => {
    if (!sure) return;
    const timer = setTimeout(() => setSure(false), 3_000);
    return () => clearTimeout(timer);
  }, [sure]);
  const send = async () => {
    const written = text.trim();
    if (!written || busy.has("contact.say")) return;
    // The same key again is the same message: whoever presses twice after a break of the line has said it once.
    key.current ||= crypto.randomUUID();
    if (!(await desk.run("contact.say", { contact, text: written, key: key.current }))) return;
    key.current = "";
    setText((now) => (now.trim() === written ? "" : now));
  };
  return (
    <>
      <textarea
        className="chat-input"
        data-testid={`chat-input-${contact}`}
        data-chat-input={contact}
        rows={2}
        maxLength={TEXT_MAX}
        placeholder={t("chat.placeholder")}
        aria-label={t("chat.write_to", { who })}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          key.current = "";
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <div className="chat-buttons">
        <button
          type="button"
          className="button button-small button-primary"
          data-testid={`chat-send-${contact}`}
          data-own-enter
          disabled={text.trim() === "" || busy.has("contact.say")}
          onClick={() => void send()}
        >
          {t("chat.send")}
        </button>
        <button
          type="button"
          className="button button-small"
          data-testid={`chat-move-${contact}`}
          data-own-enter
          onClick={() => setMoving(true)}
        >
          {t("call.transfer")}
        </button>
        <Move
          id={`chat-colleague-${contact}`}
          cap="E"
          why={card.handing ? "chat.asked_already" : null}
          hint="chat.hand_hint"
          onClick={() => setGiving(true)}
        >
          {t("move.colleague")}
        </Move>
        <button
          type="button"
          className={`button button-small ${sure ? "button-danger" : ""}`}
          data-testid={`chat-end-${contact}`}
          data-own-enter
          disabled={busy.has("contact.hangup")}
          onClick={() => (sure ? void desk.run("contact.hangup", { contact }) : setSure(true))}
        >
          {t(sure ? "chat.end_sure" : "chat.end")}
        </button>
      </div>
      {moving && <MoveDialog card={card} onClose={() => setMoving(false)} />}
      {giving && !offer && !card.handing && (
        <ColleagueDialog contact={contact} there={[]} chatWith={who} onClose={() => setGiving(false)} />
      )}
    </>
  );
}
