import { useLanguage } from "../i18n/language";
import { duration } from "./format";
import { useLive, useNow } from "./hooks";

const ACTIVITY_WORDS = {
  available: "top.available",
  break: "top.break",
  "after-call-work": "top.after_call",
} as const;

/** Colleagues: where they sit, what they say they do, and what the system sees them do. */
export function Operators() {
  const { t } = useLanguage();
  const { operators, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  if (operators.length === 0) return <p className="panel-empty">{t("operators.none")}</p>;
  return (
    <div className="scroll">
      <ul className="operators" data-testid="operators">
        {operators.map((row) => (
          <li key={row.operator} className={`operator my-state-${row.state}`}>
            <strong>{row.name}</strong>
            <span className="muted">{[row.room, row.position].filter(Boolean).join(" · ")}</span>
            <span>
              {row.activity === "available" ? t(`state.${row.state}`) : t(ACTIVITY_WORDS[row.activity])}{" "}
              <span className="number">{duration(now - row.since_ms)}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
