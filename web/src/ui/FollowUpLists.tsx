import type { Abandoned, HandedOver } from "../api/types";
import { useLanguage } from "../i18n/language";
import { duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { OfRoom } from "./OfRoom";
import { WhyMark } from "./Why";
import { partyName, partyState, useQueueTitle } from "./words";

/** Callers of emergency queues who gave up before anybody answered: one click calls back, by one operator. */
export function AbandonedCalls() {
  const { t } = useLanguage();
  const { abandoned, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  return (
    <div className="scroll follow-up-list" data-testid="abandoned-list">
      <table className="recent">
        <thead>
          <tr>
            <th>{t("abandoned.since")}</th>
            <th>{t("recent.queue")}</th>
            <th>{t("recent.caller")}</th>
            <th>{t("recent.waited")}</th>
            <th>{t("abandoned.attempts")}</th>
            <th>{t("abandoned.who")}</th>
          </tr>
        </thead>
        <tbody>
          {abandoned.map((row) => (
            <AbandonedRow key={row.contact} row={row} now={now} />
          ))}
        </tbody>
      </table>
      {abandoned.length === 0 && <p className="panel-empty">{t("abandoned.none")}</p>}
    </div>
  );
}

function AbandonedRow({ row, now }: { row: Abandoned; now: number }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { call, offer, phone: deskPhone } = useLive();
  const { contact } = row;
  const name = row.claimed_by_name ?? row.claimed_by ?? "";
  const free = !call && !offer && !deskPhone?.serves && !busy.has("contact.callback");
  return (
    <tr data-testid={`abandoned-${contact}`} data-claimed={row.claimed_by ?? ""}>
      <td className="number age-warn">{duration(now - row.ended_at_ms)}</td>
      <td>
        {queueTitle(row)} <OfRoom room={row.of_room} />
      </td>
      <td className="number strong">
        {row.number ? phone(row.number) : t("caller.unknown")}
        {row.calls > 1 && (
          <span className="mark mark-repeat" title={t("abandoned.calls", { count: row.calls })}>
            ↻ <span className="sr-only">{t("mark.again")}</span>
            {row.calls}
          </span>
        )}
      </td>
      <td className="number">{duration(row.waited_ms)}</td>
      <td className="number">{row.attempts}</td>
      <td className="follow-up-do">
        {row.claimed_by ? (
          <span className="claimed" data-testid={`abandoned-claimed-${contact}`}>
            ↗ {t(row.talking_since_ms === null ? "abandoned.claimed" : "abandoned.talking", { name })}
            {row.talking_since_ms !== null && <span className="number"> {duration(now - row.talking_since_ms)}</span>}
          </span>
        ) : (
          <button
            type="button"
            className="button button-small button-primary"
            data-testid={`call-back-${contact}`}
            disabled={!free || !row.number}
            onClick={() => void desk.run("contact.callback", { contact })}
          >
            {t("abandoned.call_back")}
          </button>
        )}
        <WhyMark asked={{ contact, caller: row.number }} at="abandoned" />
      </td>
    </tr>
  );
}

/** Calls that go on without an operator; any operator of the queue can join them again. */
export function HandedOverCalls() {
  const { t } = useLanguage();
  const { handed_over, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  return (
    <div className="scroll follow-up-list" data-testid="handed-over-list">
      <table className="recent">
        <thead>
          <tr>
            <th>{t("handed_over.since")}</th>
            <th>{t("recent.queue")}</th>
            <th>{t("recent.caller")}</th>
            <th>{t("party.title")}</th>
            <th className="wide-only">{t("handed_over.by")}</th>
            <th>{t("handed_over.do")}</th>
          </tr>
        </thead>
        <tbody>
          {handed_over.map((row) => (
            <HandedOverRow key={row.contact} row={row} now={now} />
          ))}
        </tbody>
      </table>
      {handed_over.length === 0 && <p className="panel-empty">{t("handed_over.none")}</p>}
    </div>
  );
}

function HandedOverRow({ row, now }: { row: HandedOver; now: number }) {
  const { t, language } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { call, offer, phone: deskPhone } = useLive();
  const { contact } = row;
  const free = !call && !offer && !deskPhone?.serves && !busy.has("contact.pull_back");
  const parties = row.parties.filter((party) => party.state !== "ended");
  return (
    <tr data-testid={`handed-over-${contact}`}>
      <td className="number">{duration(now - row.since_ms)}</td>
      <td>
        {queueTitle(row)} <OfRoom room={row.of_room} />
      </td>
      <td className="number strong">{row.caller ? phone(row.caller) : t("caller.unknown")}</td>
      <td className="follow-up-parties">
        {parties.map((party) => (
          <span key={party.party} className={`chip party-chip-${party.state}`}>
            {partyName(party)}
            {party.state !== "answered" && ` · ${partyState(party, language, t)}`}
          </span>
        ))}
      </td>
      <td className="wide-only">{row.operator_name ?? "–"}</td>
      <td className="follow-up-do">
        <button
          type="button"
          className="button button-small button-primary"
          data-testid={`pull-back-${contact}`}
          disabled={!free}
          onClick={() => void desk.run("contact.pull_back", { contact })}
        >
          {t("handed_over.pull_back")}
        </button>
        <WhyMark asked={row} at="handed-over" />
      </td>
    </tr>
  );
}
