import type { Parked } from "../api/moves";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { Move } from "./CallMoves";
import { callerText } from "./CaseMarks";
import { duration } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { OfRoom } from "./OfRoom";
import { WhyMark } from "./Why";
import { useQueueTitle } from "./words";

/** From so long before it comes back by itself the time is marked. */
const SOON_MS = 15_000;

/** Calls in the room's slots, of somebody on loan then those of the borrowing room: anybody here takes one, until it comes back by itself. */
export function ParkedCalls() {
  const { t } = useLanguage();
  const { parked, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const slots = [...parked].sort((a, b) => Number(a.of_room !== null) - Number(b.of_room !== null) || a.slot - b.slot);
  return (
    <div className="scroll parked-list" data-testid="parked-list">
      <table className="recent">
        <thead>
          <tr>
            <th>{t("parked.slot")}</th>
            <th>{t("recent.queue")}</th>
            <th>{t("recent.caller")}</th>
            <th>{t("parked.by")}</th>
            <th>{t("parked.since")}</th>
            <th>{t("parked.recall")}</th>
            <th>{t("parked.fetch")}</th>
          </tr>
        </thead>
        <tbody>
          {slots.map((row) => (
            <Row key={row.contact} row={row} now={now} />
          ))}
        </tbody>
      </table>
      {slots.length === 0 && <p className="panel-empty">{t("parked.none")}</p>}
    </div>
  );
}

/** Why this operator cannot take a call from a slot now. */
export function useWhyNotFetched(): Word | null {
  const { call, offer, phone, me } = useLive();
  if (call) return "error.busy";
  if (offer) return "parked.offered";
  if (phone?.serves) return "error.use-phone";
  return me.state === "unreachable" ? "error.no-media" : null;
}

function Row({ row, now }: { row: Parked; now: number }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { busy } = useDeskState();
  const why = useWhyNotFetched();
  const { contact } = row;
  const left_ms = row.recall_at_ms - now;
  return (
    <tr data-testid={`parked-${contact}`}>
      <td className="number strong">{row.slot}</td>
      <td>
        <span className={`class-edge class-${row.class}`}>{queueTitle(row)}</span> <OfRoom room={row.of_room} />
      </td>
      <td className="number strong">{callerText(row.caller, t)}</td>
      <td>{row.by_name}</td>
      <td className="number">{duration(now - row.since_ms)}</td>
      <td className={`number ${left_ms < SOON_MS ? "age-warn" : ""}`} data-testid={`recall-${contact}`}>
        {duration(left_ms)}
      </td>
      <td>
        <Move
          id={`unpark-${contact}`}
          why={why}
          hint="parked.fetch_hint"
          waits={busy.has("contact.unpark")}
          onClick={() => void desk.run("contact.unpark", { contact })}
        >
          {t("parked.fetch")}
        </Move>
        <WhyMark asked={row} at="parked" />
      </td>
    </tr>
  );
}
