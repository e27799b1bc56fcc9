import type { Call, RecentGap } from "../api/types";
import { useLanguage } from "../i18n/language";
import { clock, duration } from "./format";

/** What legs are called. */
export const TRACK_WORDS = {
  caller: "recent.caller_track",
  operator: "recent.operator_track",
  radio: "recent.radio_track",
  party: "recent.party_track",
} as const;

const WHY_WORDS = {
  full: "gap.full",
  slow: "gap.slow",
  disk: "gap.disk",
  refused: "gap.refused",
  away: "gap.away",
} as const;

/** Whether the call is being recorded. Both places are always there, so that what comes into them is read aloud: calmly
 * that it records, at once that it does not. */
export function RecordingState({ call }: { call: Call }) {
  const { t } = useLanguage();
  const gap = call.recording_gap;
  const labels = gap ? gap.labels.map((label) => t(TRACK_WORDS[label])).join(", ") : "";
  const said = gap ? t("call.not_recorded", { since: clock(gap.since_ms), why: t(WHY_WORDS[gap.code]) }) : "";
  return (
    <span className="rec-state" data-testid="recording" data-state={gap ? "failing" : call.recording ? "on" : "off"}>
      <span role="status">{call.recording && <span className="chip chip-rec">{t("call.recording")}</span>}</span>
      <span role="alert">
        {gap && (
          <span className="chip chip-norec" title={`${said}. ${t("call.not_recorded_long", { tracks: labels })}`}>
            ⚠ {said}
          </span>
        )}
      </span>
    </span>
  );
}

/** What of a call that is over is on no disk. */
export function RecordingGaps({ gaps }: { gaps: readonly RecentGap[] }) {
  const { t } = useLanguage();
  if (gaps.length === 0) return null;
  const lines = gaps.map((gap) =>
    t("recent.gap_line", {
      track: t(TRACK_WORDS[gap.label]),
      from: clock(gap.from_ms),
      to: clock(gap.to_ms),
      why: t(WHY_WORDS[gap.code]),
    }),
  );
  const longest_ms = Math.max(...gaps.map((gap) => gap.to_ms - gap.from_ms));
  return (
    <span className="chip chip-norec" data-testid="recording-gaps" title={lines.join("\n")}>
      ⚠ {t("recent.gap", { length: duration(longest_ms) })}
      <span className="sr-only">: {lines.join("; ")}</span>
    </span>
  );
}
