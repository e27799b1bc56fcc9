import { useState } from "react";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { phone } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";
import { useRights } from "./rights";

const HOURS = [1, 8, 24, 168, 720] as const;

interface FlagDialogProps {
  /** The number as calls bring it; empty where it is to be typed. */
  number: string;
  onClose(): void;
}

/** A warning about a number, or a block for normal calls; changes what is there already. Emergencies are never blocked. */
export function FlagDialog({ number, onClose }: FlagDialogProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { flags } = useLive();
  const { busy } = useDeskState();
  const { listen: mayBlock } = useRights();
  const known = flags.find((one) => one.number === number);
  const [typed, type] = useState(number);
  const [mode, setMode] = useState<"flagged" | "blocked">(known?.mode ?? "flagged");
  const [reason, setReason] = useState(known?.reason ?? "");
  const [hours, setHours] = useState<number>(24);
  const [problem, setProblem] = useState("");
  const done = (outcome: { ok: true } | { ok: false; code: string }) =>
    outcome.ok ? onClose() : setProblem(outcome.code);
  const locked = known?.mode === "blocked" && !mayBlock;
  const waits = busy.has("number.flag") || busy.has("number.unflag");
  return (
    <Dialog title={t("flag.title")} onClose={onClose}>
      <form
        className="flag-form"
        onSubmit={async (event) => {
          event.preventDefault();
          done(await desk.ask("number.flag", { number: typed.trim(), mode, reason: reason.trim(), hours }));
        }}
      >
        {number ? (
          <p className="flag-number number" data-testid="flag-number">
            {phone(number)}
          </p>
        ) : (
          <label className="field">
            <span>{t("flag.number")}</span>
            <input
              data-first
              data-testid="flag-number"
              inputMode="tel"
              autoComplete="off"
              required
              maxLength={32}
              value={typed}
              onChange={(event) => type(event.target.value)}
            />
          </label>
        )}
        <fieldset className="segmented" aria-label={t("flag.mode")}>
          {(["flagged", "blocked"] as const).map((one) => (
            <button
              key={one}
              type="button"
              data-testid={`flag-${one}`}
              aria-pressed={mode === one}
              disabled={one === "blocked" && !mayBlock}
              title={one === "blocked" && !mayBlock ? t("flag.only_leads") : undefined}
              onClick={() => setMode(one)}
            >
              {t(`flag.${one}`)}
            </button>
          ))}
        </fieldset>
        <p className="muted">{t(mode === "blocked" ? "flag.blocked_how" : "flag.flagged_how")}</p>
        <label className="field">
          <span>{t("flag.reason")}</span>
          <input
            data-first={number ? true : undefined}
            data-testid="flag-reason"
            required
            maxLength={100}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <label className="field">
          <span>{t("flag.hours")}</span>
          <select data-testid="flag-hours" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
            {HOURS.map((one) => (
              <option key={one} value={one}>
                {one < 48 ? t("flag.for_hours", { hours: one }) : t("flag.for_days", { days: one / 24 })}
              </option>
            ))}
          </select>
        </label>
        <p className="pad-problem" role="alert">
          {problem ? errorText(t, problem) : locked && t("flag.only_leads")}
        </p>
        <div className="flag-buttons">
          {known && (
            <button
              type="button"
              className="button"
              data-testid="flag-lift"
              disabled={waits || locked}
              onClick={async () => done(await desk.ask("number.unflag", { number }))}
            >
              {t("flag.lift")}
            </button>
          )}
          <button
            type="submit"
            className="button button-primary"
            data-testid="flag-save"
            disabled={waits || locked || !typed.trim() || !reason.trim()}
          >
            {t("flag.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
