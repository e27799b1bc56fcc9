import { createContext, useContext, useEffect, useState } from "react";
import type { Considered, Explanation, ExplanationStep } from "../api/moves";
import { errorText, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { Dialog } from "./Dialog";
import { clock, duration, phone } from "./format";
import { useApp, useRights } from "./rights";

/** A contact whose way is to be told, and what to call it. */
export interface Asked {
  contact: string;
  caller: string;
}

/** Opens the explanation of a contact; the console holds it, so that an offer can close it. */
export const WhyContext = createContext<(asked: Asked) => void>(() => undefined);

/** "Why?": for those who may know; others do not see it. `of`: of which contact, where there are several. */
export function WhyButton({ asked, look, cap, of }: { asked: Asked; look?: string; cap?: string; of?: string }) {
  const { t } = useLanguage();
  const { explain } = useRights();
  const ask = useContext(WhyContext);
  if (!explain) return null;
  return (
    <button
      type="button"
      className={`button ${look ?? "button-small button-quiet"}`}
      data-testid={`why-${asked.contact}`}
      aria-label={of && `${t("why.ask")} · ${of}`}
      title={t("why.hint")}
      onClick={() => ask(asked)}
    >
      {t("why.ask")} {cap && <kbd>{cap}</kbd>}
    </button>
  );
}

/** The same where there is no room for the word: in rows of lists and at the top of cards. Enter on it opens it, also
 * while something is offered. */
export function WhyMark({ asked, at }: { asked: Asked; at: string }) {
  const { t } = useLanguage();
  const { explain } = useRights();
  const ask = useContext(WhyContext);
  if (!explain) return null;
  const who = asked.caller ? phone(asked.caller) : t("caller.unknown");
  return (
    <button
      type="button"
      className="button button-small button-quiet why-mark"
      data-testid={`why-${at}-${asked.contact}`}
      data-own-enter
      aria-label={t("why.of", { who })}
      title={t("why.hint")}
      onClick={() => ask(asked)}
    >
      ?
    </button>
  );
}

type Answer = { kind: "loading" } | { kind: "told"; told: Explanation } | { kind: "refused"; code: string };

/** Each step of a contact's way, and at each decision who was considered. */
export function WhyDialog({ asked, onClose }: { asked: Asked; onClose(): void }) {
  const { t } = useLanguage();
  const { http } = useApp();
  const [answer, setAnswer] = useState<Answer>({ kind: "loading" });
  const [again, setAgain] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `again` asks once more
  useEffect(() => {
    let current = true;
    setAnswer({ kind: "loading" });
    http.explanation(asked.contact).then(
      (told) => current && setAnswer({ kind: "told", told }),
      (refusal: { code?: string }) => current && setAnswer({ kind: "refused", code: refusal.code ?? "network" }),
    );
    return () => {
      current = false;
    };
  }, [http, asked.contact, again]);
  return (
    <Dialog title={`${t("why.ask")} ${asked.caller ? phone(asked.caller) : ""}`} onClose={onClose} look="dialog-why">
      <div className="why-body" data-testid="why" data-state={answer.kind} aria-busy={answer.kind === "loading"}>
        {answer.kind === "loading" && (
          <p className="muted" role="status">
            {t("why.loading")}
          </p>
        )}
        {answer.kind === "refused" && (
          <div role="alert" className="why-refused">
            <p>{errorText(t, answer.code)}</p>
            <button type="button" className="button" data-testid="why-again" onClick={() => setAgain(again + 1)}>
              {t("why.again")}
            </button>
          </div>
        )}
        {answer.kind === "told" && <Told told={answer.told} />}
      </div>
    </Dialog>
  );
}

function Told({ told }: { told: Explanation }) {
  const { t } = useLanguage();
  return (
    <>
      {!told.complete && <p className="why-hole">⚠ {t("why.hole")}</p>}
      {/* A list that scrolls must be reachable by key. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ol className="why-steps" tabIndex={0} aria-label={t("why.steps")}>
        {told.steps.map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the steps are a fixed story in order
          <Step key={place} step={step} />
        ))}
      </ol>
      {told.steps.length === 0 && <p className="panel-empty">{t("why.nothing")}</p>}
      {!told.over && <p className="muted">{t(told.known ? "why.goes_on" : "why.end_unknown")}</p>}
    </>
  );
}

function Step({ step }: { step: ExplanationStep }) {
  const { language } = useLanguage();
  return (
    <li className="why-step" data-testid="why-step">
      <span className="why-time number muted">
        <span>{clock(step.at_ms)}</span>
        <span>{step.after_ms === null ? "" : `+${(step.after_ms / 1_000).toFixed(1)} s`}</span>
      </span>
      <div>
        <p>{onThisClock(language === "nb" ? step.text_nb : step.text_en, step.at_ms)}</p>
        {step.considered && <Candidates of={step.considered} at_ms={step.at_ms} />}
      </div>
    </li>
  );
}

/** A sentence's times of day are UTC (`14:27:40.599 UTC`); here they are those of the column before it. A time belongs to
 * the day on which it is nearest to the step. */
export function onThisClock(text: string, at_ms: number): string {
  return text.replace(/\b(\d\d):(\d\d):(\d\d)(?:\.\d{1,3})? UTC\b/g, (_all, h: string, m: string, s: string) => {
    const of_day_ms = (Number(h) * 3_600 + Number(m) * 60 + Number(s)) * 1_000;
    const days = Math.round((at_ms - of_day_ms) / DAY_MS);
    return clock(days * DAY_MS + of_day_ms);
  });
}

const DAY_MS = 86_400_000;

/** By what those who might be asked come one after the other. */
const STRATEGY_WORDS: Record<string, Word> = {
  "longest-idle": "why.by_longest_idle",
  "most-skilled": "why.by_most_skilled",
  "least-occupied": "why.by_least_occupied",
  "round-robin": "why.by_round_robin",
  "ring-all": "why.by_ring_all",
  sticky: "why.by_sticky",
  named: "why.by_named",
};

/** Who might have been asked, in the core's order, and why others were not. */
function Candidates({ of, at_ms }: { of: Considered; at_ms: number }) {
  const { t, language } = useLanguage();
  const more = of.able - of.best.length;
  const merit = (one: Considered["best"][number]) => (language === "nb" ? one.merit_nb : one.merit_en);
  const merits = of.best.some(merit);
  const order = t(STRATEGY_WORDS[of.strategy] ?? "why.by_longest_idle");
  const nearest = of.nearer_first ? t("why.nearer_first", { order }) : order;
  const ring = of.rang_out_in ? t("why.outwards", { order, room: of.rang_out_in_name || of.rang_out_in }) : nearest;
  return (
    <div className="why-who" data-testid="why-who">
      <p className="muted">
        {t("why.able", { count: of.able })}
        {of.able > 1 && ` · ${ring}`}
      </p>
      {of.best.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>{t("why.rank")}</th>
              <th>{t("why.name")}</th>
              <th>{t("why.position")}</th>
              <th>{t("why.free_for")}</th>
              {merits && <th>{t("why.merit")}</th>}
            </tr>
          </thead>
          <tbody>
            {of.best.map((one, place) => (
              <tr key={one.operator} className={one.chosen ? "why-chosen" : ""}>
                <td className="number">{place + 1}</td>
                <td>
                  {one.name} {one.chosen && <b>✓ {t("why.chosen")}</b>}
                </td>
                <td>
                  {one.position_name || one.position}
                  {!one.own_room && (
                    <span className="muted"> · {t("why.other_room", { room: one.room_name || one.room })}</span>
                  )}
                </td>
                <td className="number">{duration(at_ms - one.idle_since_ms)}</td>
                {merits && <td data-testid="why-merit">{merit(one)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {more > 0 && <p className="muted">{t("why.more", { count: more })}</p>}
      {of.others.map((others) => (
        <p key={others.reason_en} className="why-not">
          <b className="number">{others.count}</b> {language === "nb" ? others.reason_nb : others.reason_en}
          {others.names.length > 0 && (
            <span className="muted">
              : {others.names.join(", ")}
              {others.count > others.names.length && " …"}
            </span>
          )}
        </p>
      ))}
    </div>
  );
}
