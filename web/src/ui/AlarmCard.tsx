import type { Card, KeyPressed } from "../api/cards";
import { useLanguage } from "../i18n/language";
import { calmedText } from "./CaseMarks";
import { clock, duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { WhyMark } from "./Why";
import { useQueueTitle } from "./words";

interface AlarmCardProps {
  card: Card;
  armed: boolean;
  onColleague(): void;
  onMove(): void;
}

/** An alarm or a radio's emergency: what it says, from whom, since when, and that it is done. */
export function AlarmCard({ card, armed, onColleague, onMove }: AlarmCardProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const { busy } = useDeskState();
  const desk = useDesk();
  const now = useNow(useLive().clock_offset_ms, 500);
  const facts = [
    ["alarm.from", [card.caller_name, card.caller ? phone(card.caller) : ""].filter(Boolean).join(" · ")],
    ["alarm.area", card.area],
    ["alarm.source", [card.source, card.reference].filter(Boolean).join(" · ")],
  ] as const;
  return (
    <section
      className={`alarm alarm-${card.class} class-edge class-${card.class}`}
      data-testid="alarm-card"
      data-contact={card.contact}
      data-kind={card.kind}
      aria-label={t(`kind.${card.kind}`)}
    >
      <header className="call-head">
        <span className="chip chip-kind">{t(`kind.${card.kind}`)}</span>
        <span className="call-queue">{queueTitle(card)}</span>
        <span className={`chip class-chip-${card.class}`}>{t(`class.${card.class}`)}</span>
        <WhyMark asked={card} at="card" />
        <span className="call-timer number">{duration(now - card.arrived_at_ms)}</span>
      </header>
      <p className="alarm-text" data-testid="alarm-text">
        {card.text || t("alarm.no_text")}
      </p>
      <AlarmKey of={card.key_pressed} />
      <dl className="alarm-facts">
        {facts.map(
          ([word, text]) =>
            text && (
              <div key={word}>
                <dt>{t(word)}</dt>
                <dd>{text}</dd>
              </div>
            ),
        )}
      </dl>
      <div className="chat-buttons">
        <button
          type="button"
          className={`button ${armed ? "button-danger" : "button-primary"}`}
          data-testid="alarm-end"
          disabled={busy.has("contact.hangup")}
          onClick={() => void desk.run("contact.hangup", { contact: card.contact })}
        >
          {t("alarm.done")} <kbd>L L</kbd>
        </button>
        <button type="button" className="button" data-testid="alarm-move" onClick={onMove}>
          {t("call.transfer")} <kbd>T</kbd>
        </button>
        <button type="button" className="button" data-testid="alarm-colleague" onClick={onColleague}>
          {t("move.colleague")} <kbd>E</kbd>
        </button>
      </div>
      {armed && (
        <p className="muted" role="status" data-testid="alarm-armed">
          {t("alarm.again")}
        </p>
      )}
    </section>
  );
}

/** What became of a radio's emergency key since: pressed again, or called off. Whoever has it decides what that means. */
export function AlarmKey({ of }: { of: KeyPressed | null }) {
  const { t } = useLanguage();
  if (!of) return null;
  const { presses, pressed_at_ms, calmed_at_ms, calmed_by } = of;
  return (
    <div className="alarm-key" role="alert" data-testid="alarm-key" data-state={calmed_at_ms ? "calmed" : "up"}>
      {pressed_at_ms !== null && (
        <p className="mark mark-flagged">{t("alarm.pressed", { at: clock(pressed_at_ms), times: String(presses) })}</p>
      )}
      {calmed_at_ms !== null && <p className="mark">{calmedText(calmed_at_ms, calmed_by, t)}</p>}
    </div>
  );
}
