import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import { duration } from "./format";
import { useLive, useNow, useStore } from "./hooks";
import { OfRoom } from "./OfRoom";
import { ACTIVITY_WORDS } from "./TopBar";

/** Colleagues: where they sit, what they say they do, and what the system sees them do. */
export function Operators({ app }: { app: App }) {
  const { t } = useLanguage();
  const { operators, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const { positions } = useStore(app.store);
  if (operators.length === 0) return <p className="panel-empty">{t("operators.none")}</p>;
  return (
    <div className="scroll">
      <ul className="operators" data-testid="operators">
        {operators.map((row) => (
          <li key={row.operator} className={`operator my-state-${row.activity === "available" ? row.state : "away"}`}>
            <strong>{row.name}</strong>
            <span className="muted">
              {positions.find((seat) => seat.position === row.position)?.name ?? row.position}
            </span>
            <span>
              {row.activity === "available" ? t(`state.${row.state}`) : t(ACTIVITY_WORDS[row.activity])}{" "}
              <span className="number">{duration(now - row.since_ms)}</span>
            </span>
            <OfRoom room={row.of_room} />
            {row.reserved && (
              <span className="mark mark-reserve" title={t("reserve.how")}>
                {t("reserve.short")}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
