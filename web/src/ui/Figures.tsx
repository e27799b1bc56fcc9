import { useEffect, useState } from "react";
import type { LiveRow, LiveStatistics } from "../api/moves";
import { errorText, type Language, useLanguage } from "../i18n/language";
import { duration } from "./format";
import { useLive, useNow } from "./hooks";
import { useApp } from "./rights";
import { isOfRoom, useQueueTitle } from "./words";

/** Nobody reads faster than this, and the server works the figures out at most once a second. */
export const FIGURES_MS = 5_000;

/** Today's figures of each queue while the panel is open. */
export function Figures() {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const { http } = useApp();
  const { clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const [figures, setFigures] = useState<LiveStatistics | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let current = true;
    let timer: ReturnType<typeof setTimeout>;
    // The next question waits for this one's answer: a slow server is not asked more.
    const ask = async () => {
      try {
        const answer = await http.liveStatistics();
        if (!current) return;
        setFigures(answer);
        setProblem("");
      } catch (refusal) {
        if (current) setProblem((refusal as { code?: string }).code ?? "network");
      }
      if (current) timer = setTimeout(ask, FIGURES_MS);
    };
    void ask();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [http]);
  const rows = (figures?.rows ?? []).filter((row) => !isOfRoom({ queue: row.key }));
  return (
    <div className="scroll" data-testid="figures">
      <table className="recent">
        <thead>
          <tr>
            <th>{t("recent.queue")}</th>
            <th>{t("figures.level")}</th>
            <th>{t("figures.goal")}</th>
            <th>{t("queues.waiting")}</th>
            <th>{t("queues.longest")}</th>
            <th>{t("figures.answered")}</th>
            <th>{t("figures.abandoned")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.key} row={row} name={queueTitle({ queue: row.key })} now={now} />
          ))}
        </tbody>
      </table>
      {problem && (
        <p className="panel-empty age-warn" role="status">
          {errorText(t, problem)}
        </p>
      )}
      {!problem && rows.length === 0 && (
        <p className="panel-empty">{figures ? t("figures.none") : t("app.starting")}</p>
      )}
      {figures && !figures.complete && <p className="panel-empty">{t("figures.incomplete")}</p>}
    </div>
  );
}

function count(value: LiveRow["today"][string] | undefined): number {
  return typeof value === "number" ? value : 0;
}

function percent(value: number, language: Language): string {
  return value.toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

function Row({ row, name, now }: { row: LiveRow; name: string; now: number }) {
  const { t, language } = useLanguage();
  const level = row.today["service_level_negative_percent"];
  const goal = row.goal_percent ?? null;
  const known = typeof level === "number";
  const met = known && goal !== null ? (level >= goal ? "met" : "missed") : "unknown";
  const longest = row.longest_since_ms ?? null;
  return (
    <tr data-testid={`figures-${row.key}`} data-goal={met}>
      <td className="strong">{name}</td>
      <td className={`number level-${met}`}>
        {known ? `${percent(level, language)} %` : "–"} {met !== "unknown" && t(`figures.${met}`)}
      </td>
      <td className="number">
        {goal === null
          ? "–"
          : t("figures.goal_of", { percent: goal, seconds: Math.round((row.threshold_ms ?? 0) / 1_000) })}
      </td>
      <td className="number">{row.waiting ?? 0}</td>
      <td className="number">{longest === null ? "–" : duration(now - longest)}</td>
      <td className="number">{count(row.today["answered"])}</td>
      <td className="number">{count(row.today["abandoned"])}</td>
    </tr>
  );
}
