import { useState } from "react";
import type { Loan } from "../api/staff";
import type { CommandName, Commands } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { clock } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";

const MINUTES = [30, 60, 120, 240, 480] as const;

/** Loans to and from the rooms this lead has: what is asked and what runs, and a request of one's own. */
export function LoansDialog({ onClose }: { onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { loans } = useLive();
  const [problem, setProblem] = useState("");
  const ask = async <N extends CommandName>(name: N, args: Commands[N]) => {
    const outcome = await desk.ask(name, args);
    setProblem(outcome.ok ? "" : outcome.code);
  };
  return (
    <Dialog title={t("loan.title")} onClose={onClose} wide>
      <ul className="colleagues" data-testid="loans">
        {loans.map((loan) => (
          <LoanRow key={loan.loan} loan={loan} ask={ask} />
        ))}
        {loans.length === 0 && <li className="panel-empty">{t("loan.none")}</li>}
      </ul>
      <p className="pad-problem" role="alert">
        {problem && errorText(t, problem)}
      </p>
      <AskForm ask={ask} />
    </Dialog>
  );
}

type Ask = <N extends CommandName>(name: N, args: Commands[N]) => Promise<void>;

function LoanRow({ loan, ask }: { loan: Loan; ask: Ask }) {
  const { t } = useLanguage();
  const { me } = useLive();
  const { busy } = useDeskState();
  const names = (loan.state === "running" ? loan.lent : loan.asked).map((one) => one.name).join(", ");
  const mayAgree = loan.state === "asked" && me.leads.includes(loan.lender);
  return (
    <li className="colleague colleague-available" data-testid={`loan-${loan.loan}`} data-state={loan.state}>
      <span className="colleague-who">
        <strong>
          {loan.lender_name} → {loan.room_name}: {loan.count} · {t(`loan.${loan.state}`)}
        </strong>
        <span className="muted">
          {t("loan.until", { time: clock(loan.until_ms).slice(0, 5), name: loan.asked_by_name })}
          {names && ` · ${names}`}
          {loan.note && ` · ${loan.note}`}
        </span>
        {mayAgree && <AgreeForm loan={loan} ask={ask} />}
      </span>
      <button
        type="button"
        className="button button-small"
        data-testid={`loan-end-${loan.loan}`}
        disabled={busy.has("loan.end")}
        onClick={() => void ask("loan.end", { loan: loan.loan, operator: null })}
      >
        {t(mayAgree ? "loan.decline" : loan.state === "running" ? "loan.end" : "loan.take_back")}
      </button>
    </li>
  );
}

/** The lender's lead says who goes. */
function AgreeForm({ loan, ask }: { loan: Loan; ask: Ask }) {
  const { t } = useLanguage();
  const { staff } = useLive();
  const { busy } = useDeskState();
  const [chosen, choose] = useState<readonly string[]>(loan.named.map((one) => one.operator));
  const [own, setOwn] = useState(loan.own_emergencies);
  const people = staff.filter((row) => row.room === loan.lender && row.loan === null);
  const toggle = (operator: string, on: boolean) =>
    choose(on ? [...chosen, operator] : chosen.filter((one) => one !== operator));
  return (
    <fieldset className="loan-agree" aria-label={t("loan.who")}>
      {people.map((row) => (
        <label key={row.operator} className="check">
          <input
            type="checkbox"
            data-testid={`lend-${row.operator}`}
            checked={chosen.includes(row.operator)}
            onChange={(event) => toggle(row.operator, event.target.checked)}
          />
          {row.name}
        </label>
      ))}
      {people.length === 0 && <p>{t("loan.nobody")}</p>}
      <label className="check loan-own">
        <input
          type="checkbox"
          data-testid="loan-own"
          checked={own}
          onChange={(event) => setOwn(event.target.checked)}
        />
        {t("loan.own_emergencies")}
      </label>
      <button
        type="button"
        className="button button-small button-primary"
        data-testid={`loan-agree-${loan.loan}`}
        disabled={chosen.length === 0 || busy.has("loan.agree")}
        onClick={() => void ask("loan.agree", { loan: loan.loan, operators: [...chosen], own_emergencies: own })}
      >
        {t("loan.agree")}
      </button>
    </fieldset>
  );
}

/** For so many people of another room, for so long. */
function AskForm({ ask }: { ask: Ask }) {
  const { t } = useLanguage();
  const { me, rooms } = useLive();
  const { busy } = useDeskState();
  const own = me.leads.includes(me.room) ? me.room : (me.leads[0] ?? "");
  const lenders = rooms.filter((row) => row.room !== own);
  const [wanted, want] = useState("");
  const [count, setCount] = useState(1);
  const [minutes, setMinutes] = useState<number>(60);
  const [note, setNote] = useState("");
  const lender = wanted || (lenders[0]?.room ?? "");
  return (
    <form
      className="loan-ask"
      aria-label={t("loan.ask")}
      onSubmit={(event) => {
        event.preventDefault();
        const rest = { operators: [], queues: [], skills: {}, note: note.trim() };
        void ask("loan.ask", { room: own, lender, count, minutes, ...rest });
      }}
    >
      <label className="field">
        <span>{t("loan.from")}</span>
        <select data-first data-testid="loan-lender" value={lender} onChange={(event) => want(event.target.value)}>
          {lenders.map(({ room, name }) => (
            <option key={room} value={room}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t("loan.count")}</span>
        <input
          type="number"
          min={1}
          max={50}
          required
          data-testid="loan-count"
          value={count}
          onChange={(event) => setCount(Number(event.target.value))}
        />
      </label>
      <label className="field">
        <span>{t("loan.minutes")}</span>
        <select data-testid="loan-minutes" value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
          {MINUTES.map((one) => (
            <option key={one} value={one}>
              {t("loan.for", { minutes: one })}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t("loan.note")}</span>
        <input data-testid="loan-note" maxLength={100} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <button
        type="submit"
        className="button button-primary"
        data-testid="loan-ask"
        disabled={!lender || busy.has("loan.ask")}
      >
        {t("loan.ask")}
      </button>
    </form>
  );
}
