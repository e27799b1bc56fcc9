import { Fragment } from "react";
import type { Queue, Waiting } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Move } from "./CallMoves";
import { QueueIncidents, RowMarks } from "./CaseMarks";
import { ageLevel, duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { useRoomName } from "./OfRoom";
import { useWhyNotFetched } from "./ParkedCalls";
import { skillsText } from "./skills";
import { WhyMark } from "./Why";
import { useQueueTitle } from "./words";

/** In a disaster thousands wait; nobody reads further down, and the page must stay quick. */
const MAX_ROWS = 100;

/** The left side: every queue's figures, and who waits, with ages that tick. */
export function QueuePanel({ onFollowUp }: { onFollowUp(): void }) {
  const { t } = useLanguage();
  const { queues, waiting, abandoned, handed_over, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const roomName = useRoomName();
  const lent = queues.find(isLent); // own queues come first
  return (
    <section className="left" aria-label={t("queues.title")}>
      <div className="panel">
        <div className="queue-row queue-head">
          <h2>{t("queues.title")}</h2>
          <span>{t("queues.waiting")}</span>
          <span>{t("queues.longest")}</span>
          <span>{t("queues.available")}</span>
        </div>
        <ul className="queue-list">
          {queues.map((queue) => (
            <Fragment key={queue.queue}>
              {queue === lent && <li className="queue-lent">{t("loan.of_room", { room: roomName(lent.of_room) })}</li>}
              <QueueRow queue={queue} now={now} />
            </Fragment>
          ))}
        </ul>
      </div>
      <div className="panel panel-grow">
        <h2 className="panel-title">
          {t("waiting.title")} <span className="count">{waiting.length}</span>
        </h2>
        {waiting.length === 0 && <p className="panel-empty">{t("waiting.none")}</p>}
        <ul className="scroll waiting-list" data-testid="waiting-list" tabIndex={waiting.length > 0 ? 0 : undefined}>
          {waiting.slice(0, MAX_ROWS).map((row) => (
            <WaitingRow key={row.contact} row={row} now={now} />
          ))}
          {waiting.length > MAX_ROWS && (
            <li className="panel-empty">{t("waiting.more", { count: waiting.length - MAX_ROWS })}</li>
          )}
        </ul>
      </div>
      <button type="button" className="follow-up panel" data-testid="follow-up" onClick={onFollowUp}>
        <Count word={t("bottom.abandoned")} count={abandoned.length} look="abandoned" />
        <Count word={t("bottom.handed_over")} count={handed_over.length} look="handed-over" />
        <kbd>F</kbd>
      </button>
    </section>
  );
}

/** Of the borrowing room, where this operator is on loan. */
function isLent(queue: Queue): queue is Queue & { of_room: string } {
  return queue.of_room !== null;
}

/** One of what waits for somebody to act on it: always there, coloured while there is any. */
function Count({ word, count, look }: { word: string; count: number; look: string }) {
  return (
    <span className={count > 0 ? `follow-up-some follow-up-${look}` : "muted"} data-testid={`count-${look}`}>
      {word} <b className="number">{count}</b>
    </span>
  );
}

function QueueRow({ queue, now }: { queue: Queue; now: number }) {
  const { t, language } = useLanguage();
  const name = useQueueTitle()(queue);
  const { skills } = useLive();
  const age_ms = queue.longest_since_ms === null ? null : now - queue.longest_since_ms;
  const needs = skillsText(queue.skills, skills, language);
  return (
    <li className="queue-row" data-testid={`queue-${queue.queue}`}>
      <span
        className={`class-edge class-${queue.class}`}
        title={[name, needs && t("queues.needs", { skills: needs })].filter(Boolean).join("\n")}
      >
        {name}
        <QueueIncidents incidents={queue.incidents} />
      </span>
      <span className={`number ${queue.waiting > 0 ? "strong" : "muted"}`}>{queue.waiting}</span>
      <span className={`number age-${age_ms === null ? "none" : ageLevel(queue.class, age_ms)}`}>
        {age_ms === null ? "–" : duration(age_ms)}
      </span>
      <span className={`number ${queue.available === 0 ? "short" : ""}`}>{queue.available}</span>
    </li>
  );
}

function WaitingRow({ row, now }: { row: Waiting; now: number }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const { me } = useLive();
  const roomName = useRoomName();
  const age_ms = now - row.arrived_at_ms;
  const kind = row.kind === "voice" ? [] : [t(`kind.${row.kind}`)];
  const room = row.of_room === null ? [] : [roomName(row.of_room)];
  const what = [...kind, queueTitle(row), t(`class.${row.class}`), ...room].join(" · ");
  return (
    <li className={`waiting class-edge class-${row.class}`} data-testid={`waiting-${row.contact}`}>
      <span className="waiting-who">
        <strong>{row.caller ? phone(row.caller) : t("caller.unknown")}</strong>
        <span className="waiting-line muted">
          <span className="waiting-what" title={what}>
            {what}
          </span>
          {row.state === "offered" && <span className="waiting-rings">{t("waiting.offered")}</span>}
        </span>
        <RowMarks row={row} />
      </span>
      {row.transferred_by === me.operator && (
        <span className="waiting-take-back">
          <TakeBack contact={row.contact} />
        </span>
      )}
      <WhyMark asked={row} at="waiting" />
      <span className={`age number age-${ageLevel(row.class, age_ms)}`}>{duration(age_ms)}</span>
    </li>
  );
}

/** What this operator passed on comes back to them while nobody has answered it. */
function TakeBack({ contact }: { contact: string }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  return (
    <Move
      id={`take-back-${contact}`}
      why={useWhyNotFetched()}
      hint="move.take_back_hint"
      waits={busy.has("contact.pull_back")}
      onClick={() => void desk.run("contact.pull_back", { contact })}
    >
      {t("move.take_back")}
    </Move>
  );
}
