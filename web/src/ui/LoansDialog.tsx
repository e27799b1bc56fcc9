import { useState } from "react";
import type { Loan } from "../api/staff";
import type { CommandName, Commands } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { clock } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";
import { type Ask, LoanAsk } from "./LoanAsk";
import { skillsText } from "./skills";

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
      <LoanAsk ask={ask} />
    </Dialog>
  );
}

function LoanRow({ loan, ask }: { loan: Loan; ask: Ask }) {
  const { t, language } = useLanguage();
  const { me, skills } = useLive();
  const { busy } = useDeskState();
  const people = { asked: loan.named, agreed: loan.asked, running: loan.lent }[loan.state];
  const names = people.map((one) => one.name).join(", ");
  const needed = skillsText(loan.skills, skills, language);
  const mayAgree = loan.state === "asked" && me.leads.includes(loan.lender);
  return (
    <li className="colleague colleague-available" data-testid={`loan-${loan.loan}`} data-state={loan.state}>
      <span className="colleague-who">
        <strong>
          {loan.lender_name} → {loan.room_name}: {loan.count} · {t(`loan.${loan.state}`)}
        </strong>
        <span className="muted">
          {t("loan.until", { time: clock(loan.until_ms).slice(0, 5), name: loan.asked_by_name })}
          {needed && ` · ${needed}`}
          {names && ` · ${names}`}
          {loan.note && ` · ${loan.note}`}
        </span>
        {mayAgree && <AgreeForm loan={loan} ask={ask} />}
        {loan.state === "running" && loan.lent.length > 1 && (
          <span className="loan-back">
            {loan.lent.map((one) => (
              <button
                key={one.operator}
                type="button"
                className="button button-small"
                data-testid={`loan-back-${one.operator}`}
                disabled={busy.has("loan.end")}
                onClick={() => void ask("loan.end", { loan: loan.loan, operator: one.operator })}
              >
                {t("loan.give_back", { name: one.name })}
              </button>
            ))}
          </span>
        )}
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
  const { t, language } = useLanguage();
  const { staff, skills } = useLive();
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
          {row.name} <span className="muted">{skillsText(row.skills, skills, language)}</span>
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
