import { useState } from "react";
import type { StaffRow } from "../api/staff";
import { useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { clock, duration } from "./format";
import { useLive, useNow, useStore } from "./hooks";
import { LoansDialog } from "./LoansDialog";
import { RoomStates } from "./RoomStates";
import { nameOf } from "./reasons";
import { useApp } from "./rights";
import { StaffDialog } from "./StaffDialog";
import { ACTIVITY_WORDS } from "./TopBar";
import { WhyMark } from "./Why";

/** The shift lead's list: who is on, what they say and why, what the system sees, and what can be done about it. */
export function RoomPanel() {
  const { t } = useLanguage();
  const { staff, offer, loans, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const [lending, lend] = useState(false);
  const [opening, open] = useState(false);
  const [managed, manage] = useState<string | null>(null);
  const person = staff.find((row) => row.operator === managed);
  return (
    <div className="scroll room-list" data-testid="room-list">
      <div className="room-bar">
        <button type="button" className="button button-small" data-testid="open-loans" onClick={() => lend(true)}>
          {t("loan.title")}{" "}
          <span className={loans.length > 0 ? "tab-count tab-count-parked" : "count"}>{loans.length}</span>
        </button>
        <button type="button" className="button button-small" data-testid="open-rooms" onClick={() => open(true)}>
          {t("room.title")}
        </button>
      </div>
      <table className="recent">
        <thead>
          <tr>
            <th>{t("why.name")}</th>
            <th>{t("why.position")}</th>
            <th>{t("lead.says")}</th>
            <th>{t("lead.seen")}</th>
            <th>{t("lead.missed")}</th>
            <th className="wide-only">{t("lead.on_since")}</th>
            <th>{t("lead.more")}</th>
            <th>{t("lead.do")}</th>
          </tr>
        </thead>
        <tbody>
          {staff.map((row) => (
            <Row key={row.operator} row={row} now={now} onManage={() => manage(row.operator)} />
          ))}
        </tbody>
      </table>
      {staff.length === 0 && <p className="panel-empty">{t("operators.none")}</p>}
      {opening && !offer && (
        <Dialog title={t("room.title")} onClose={() => open(false)} wide>
          <RoomStates />
        </Dialog>
      )}
      {lending && !offer && <LoansDialog onClose={() => lend(false)} />}
      {person && !offer && <StaffDialog row={person} onClose={() => manage(null)} />}
    </div>
  );
}

interface RowProps {
  row: StaffRow;
  now: number;
  onManage(): void;
}

function Row({ row, now, onManage }: RowProps) {
  const { t, language } = useLanguage();
  const { reasons, clock_offset_ms } = useLive();
  const { positions } = useStore(useApp().store);
  const why = [nameOf(row.reason, reasons, language), row.note].filter(Boolean).join(" · ");
  // Idle means ready only for who is available.
  const idleAway = row.state === "idle" && row.activity !== "available";
  const seat = positions.find((one) => one.position === row.position);
  return (
    <tr data-testid={`staff-${row.operator}`} data-state={row.state} data-activity={row.activity}>
      <td className="strong">{row.name}</td>
      <td>{seat?.name ?? row.position}</td>
      <td className={row.activity === "available" ? "staff-ready" : "staff-away"}>
        <span className="staff-says" title={why}>
          {t(ACTIVITY_WORDS[row.activity])} <span className="number">{duration(now - row.activity_since_ms)}</span>
          {why && ` · ${why}`}
        </span>
      </td>
      <td className={idleAway ? "muted" : `my-state-${row.state}`}>
        {t(idleAway ? "lead.idle" : `state.${row.state}`)}{" "}
        <span className="number">{duration(now - row.since_ms)}</span>
      </td>
      <td className={`number ${row.misses_in_row > 0 ? "age-warn" : ""}`} title={t("lead.missed_hint")}>
        {row.misses_in_row} / {row.missed}
      </td>
      <td className="number wide-only">{clock(row.on_since_ms - clock_offset_ms).slice(0, 5)}</td>
      <td>
        <More row={row} />
      </td>
      <td>
        <button
          type="button"
          className="button button-small"
          data-testid={`manage-${row.operator}`}
          aria-label={t("lead.manage_name", { name: row.name })}
          onClick={onManage}
        >
          {t("lead.manage")}
        </button>
        {row.contact && <WhyMark asked={{ contact: row.contact, caller: "" }} at="staff" />}
      </td>
    </tr>
  );
}

/** On loan, about to leave, set by a lead, handing over. */
function More({ row }: { row: StaffRow }) {
  const { t, language } = useLanguage();
  const { reasons } = useLive();
  const { loan, forced, hand_over: next } = row;
  return (
    <span className="staff-more">
      {row.reserved && (
        <span className="mark mark-reserve" title={t("reserve.how")}>
          {t("reserve.short")}
        </span>
      )}
      {loan && (
        <span className="mark mark-loan">
          {t(loan.asked ? "lead.loan_asked" : "lead.on_loan", {
            room: loan.room_name,
            time: clock(loan.until_ms).slice(0, 5),
          })}
        </span>
      )}
      {row.leaving && <span className="mark mark-repeat">{t("lead.leaves")}</span>}
      {forced && !row.leaving && (
        <span
          className="mark"
          title={[nameOf(forced.reason, reasons, language), forced.note].filter(Boolean).join(" · ")}
        >
          {t("lead.set_by", { name: forced.by_name })}
        </span>
      )}
      {next && <span className="mark">{t("lead.next", { name: next.incoming_name })}</span>}
    </span>
  );
}
