import type { KeyPressed } from "../api/cards";
import type { Flag, Incident, Repeat } from "../api/moves";
import type { Call, Offer, Waiting } from "../api/types";
import { useLanguage } from "../i18n/language";
import { clock, phone } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";

interface Marked {
  repeat: Repeat | null;
  flag: Flag | null;
  incident: Incident | null;
}

/** What is known of the caller besides this call. The line is always there, so that nothing moves when a mark comes. */
export function CaseMarks({ of }: { of: Marked }) {
  const { t } = useLanguage();
  const { repeat, flag, incident } = of;
  return (
    <p className="marks" role="status" data-testid="marks">
      {flag && (
        <span className={`mark mark-${flag.mode}`} data-testid="mark-flag" title={flagTitle(flag, t)}>
          ⚑ {t(`mark.${flag.mode}`)}: {flag.reason}
        </span>
      )}
      {incident && (
        <span className="mark mark-incident" data-testid="mark-incident">
          ◎ {incidentText(incident, t)}
        </span>
      )}
      {repeat && (
        <span className="mark mark-repeat" data-testid="mark-repeat">
          ↻ {t("mark.repeat", { calls: repeat.calls, time: clock(repeat.first_arrived_at_ms).slice(0, 5) })}
          {!repeat.answered && ` · ${t("mark.never_answered")}`}
        </span>
      )}
    </p>
  );
}

type T = ReturnType<typeof useLanguage>["t"];

function flagTitle(flag: Flag, t: T): string {
  return t("mark.flag_by", { name: flag.by_name, until: new Date(flag.until_ms).toLocaleString() });
}

function incidentText({ area, calls }: Incident, t: T): string {
  return area ? t("mark.incident_area", { area, calls }) : t("mark.incident", { calls });
}

/** The same, as short as a row of who waits has room for. */
export function RowMarks({ row }: { row: Waiting }) {
  const { t } = useLanguage();
  const { surges, flags } = useLive();
  const incident = surges.find((one) => one.incident === row.incident);
  const flag = row.flagged ? flags.find((one) => one.number === row.caller) : undefined;
  const first_ms = row.first_arrived_at_ms;
  const key = row.key_pressed;
  if (row.calls < 2 && !row.flagged && row.incident === null && !key) return null;
  return (
    <span className="row-marks" data-testid={`row-marks-${row.contact}`}>
      {key && <RowKey of={key} />}
      {row.flagged && (
        <span className="mark mark-flagged" title={flag?.reason}>
          ⚑ {flag?.reason ?? t("mark.flagged")}
        </span>
      )}
      {row.incident !== null && (
        <span className="mark mark-incident" title={incident && incidentText(incident, t)}>
          ◎ <span className="sr-only">{t("mark.incident_short")}</span>
          {incident?.calls}
        </span>
      )}
      {row.calls > 1 && (
        <span className="mark mark-repeat" title={t("mark.repeat_hint")}>
          ↻ <span className="sr-only">{t("mark.again")}</span>
          {row.calls}
          {first_ms !== null && ` · ${clock(first_ms).slice(0, 5)}`}
        </span>
      )}
    </span>
  );
}

/** Of a radio's emergency that waits: called off since, or pressed again. */
function RowKey({ of }: { of: KeyPressed }) {
  const { t } = useLanguage();
  const times = String(of.presses);
  return (
    <>
      {of.pressed_at_ms !== null && (
        <span className="mark mark-flagged" title={t("alarm.pressed", { at: clock(of.pressed_at_ms), times })}>
          {t("mark.pressed", { times })}
        </span>
      )}
      {of.calmed_at_ms !== null && (
        <span
          className="mark mark-calmed"
          data-testid="mark-calmed"
          title={calmedText(of.calmed_at_ms, of.calmed_by, t)}
        >
          {t("mark.calmed", { at: clock(of.calmed_at_ms).slice(0, 5) })}
        </span>
      )}
    </>
  );
}

/** That a radio's emergency was called off: at the radio, or by somebody. */
export function calmedText(at_ms: number, by: string, t: T): string {
  return by ? t("alarm.calmed_by", { at: clock(at_ms), by }) : t("alarm.calmed", { at: clock(at_ms) });
}

/** Likely incidents among a queue's callers, as one small mark. */
export function QueueIncidents({ incidents }: { incidents: readonly string[] }) {
  const { t } = useLanguage();
  const { surges } = useLive();
  const here = surges.filter((one) => incidents.includes(one.incident));
  if (here.length === 0) return null;
  const calls = here.reduce((sum, one) => sum + one.calls, 0);
  return (
    <span className="mark mark-incident" title={here.map((one) => incidentText(one, t)).join("; ")}>
      ◎ <span className="sr-only">{t("mark.incident_short")}</span>
      {calls}
    </span>
  );
}

/** The caller has said nothing for a while: the procedure, and the mark that it is, or is not, a silent call. */
export function SilentHint({ call }: { call: Call }) {
  const { t, language } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  if (call.silence !== "hint" && call.silence !== "marked") return null;
  const marked = call.silence === "marked";
  const procedure = call.silent_procedure[language];
  return (
    <div className={`silent silent-${call.silence}`} role="status" data-testid="silent" data-state={call.silence}>
      <p>
        <b>{marked ? t("silent.marked") : t("silent.hint")}</b> {procedure}
      </p>
      <button
        type="button"
        className="button button-small"
        data-testid="silent-mark"
        disabled={busy.has("contact.silent")}
        onClick={() => void desk.run("contact.silent", { contact: call.contact, on: !marked })}
      >
        {marked ? t("silent.is_none") : t("silent.mark")}
      </button>
    </div>
  );
}

/** A colleague who asks for this operator: talk first, or straight into their call. */
export function InvitedBy({ purpose, name }: { purpose: Offer["purpose"]; name: string | null }) {
  const { t } = useLanguage();
  if (!purpose) return null;
  return (
    <p className="offer-invited" data-testid="offer-invited">
      {t(`offer.${purpose}`, { name: name ?? "" })}
    </p>
  );
}

/** How a number is said where it may be missing. */
export function callerText(caller: string, t: T): string {
  return caller ? phone(caller) : t("caller.unknown");
}
