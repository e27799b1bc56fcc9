import type { Me } from "../api/types";
import { useLanguage } from "../i18n/language";
import { clock } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";
import { nameOf } from "./reasons";

/** Why somebody is not ready who did not say so: set by a shift lead, or by the server after offers nobody took. */
export function WhyAway() {
  const { t, language } = useLanguage();
  const { me, reasons } = useLive();
  const { forced } = me;
  if (me.activity === "available") return null;
  const why = [nameOf(me.reason, reasons, language), me.note].filter(Boolean).join(" · ");
  const given = reasons.some((one) => one.reason === me.reason && !one.chosen);
  const by = forced?.to === "not-ready" ? t("day.set_by", { name: forced.by_name }) : given ? t("day.made") : "";
  if (!by && !why) return null;
  return (
    <p className={by ? "away-made" : "muted"} role="status" data-testid="why-away">
      {[by, why].filter(Boolean).join(" ")}
    </p>
  );
}

/** What stands over this operator's day, on the line of notices. */
export function DayNotices() {
  const { me, notices } = useLive();
  const told = notices.some((notice) => notice.code === "forced"); // with the lead's own words
  return (
    <>
      {signedOut(me) && !told && <Leaving />}
      {me.hand_over && <HandOverNotice />}
      {me.loan && <LoanNotice />}
    </>
  );
}

/** Whether any of them is there. */
export function hasDayNotices(me: Me): boolean {
  return signedOut(me) || me.hand_over !== null || me.loan !== null;
}

/** Whether a shift lead's sign-out waits; who is relieved by the next shift leaves, too, and is told that. */
function signedOut({ leaving, forced }: Me): boolean {
  return leaving && forced?.to === "signed-out";
}

function Leaving() {
  const { t } = useLanguage();
  const { forced } = useLive().me;
  return (
    <p className="notice notice-warning" data-testid="leaving">
      {t("day.leaving", { name: forced?.by_name ?? "" })}
    </p>
  );
}

/** Somebody of the next shift stands by here. */
function HandOverNotice() {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { me, call } = useLive();
  const { hand_over: next } = me;
  if (!next) return null;
  return (
    <p className="notice notice-info" data-testid="hand-over">
      {t("day.next", { name: next.incoming_name })}
      <button
        type="button"
        className="button button-small"
        data-testid="hand-over-now"
        disabled={call?.state === "connected" || call?.state === "connecting" || busy.has("handover.now")}
        title={t("day.now_hint")}
        onClick={() => void desk.run("handover.now", {})}
      >
        {t("day.now")}
      </button>
      <button
        type="button"
        className="button button-small"
        data-testid="hand-over-cancel"
        disabled={busy.has("handover.cancel")}
        onClick={() => void desk.run("handover.cancel", {})}
      >
        {t("day.stay")}
      </button>
    </p>
  );
}

/** This operator is asked to serve another room, or does. */
function LoanNotice() {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { loan } = useLive().me;
  if (!loan) return null;
  const words = { room: loan.room_name, time: clock(loan.until_ms).slice(0, 5), name: loan.by_name };
  const answer = (yes: boolean) => (
    <button
      type="button"
      className="button button-small"
      data-testid={yes ? "loan-yes" : "loan-no"}
      disabled={busy.has("loan.answer")}
      onClick={() => void desk.run("loan.answer", { loan: loan.loan, yes })}
    >
      {t(yes ? "day.yes" : "day.no")}
    </button>
  );
  return (
    <p className="notice notice-info" data-testid="on-loan">
      {t(loan.asked ? "day.loan_asked" : "day.on_loan", words)}
      {loan.asked && answer(true)}
      {loan.asked && answer(false)}
    </p>
  );
}
