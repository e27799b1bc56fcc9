import type { Me, Notice } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { DayNotices, hasDayNotices } from "./DayLines";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";

const GRAVITY = { alarm: 2, warning: 1, info: 0 } as const;

/** One line that is always there: the gravest notices of the system, or a reminder of the keys. */
export function NoticeLine() {
  const { t, language } = useLanguage();
  const { notices, phone, me, clock_offset_ms } = useLive();
  const { sound } = useDeskState();
  const desk = useDesk();
  const now = useNow(clock_offset_ms, 5_000);
  const sorted = notices
    .filter((notice) => stands(notice, now, me))
    .sort((a, b) => GRAVITY[b.level] - GRAVITY[a.level] || b.at_ms - a.at_ms);
  return (
    <div className="notices" role="status" aria-live="polite">
      {sound === "no-microphone" && (
        <p className="notice notice-alarm" data-testid="no-microphone">
          {t("sound.no_microphone_text")}
          <button type="button" className="button button-small" onClick={() => void desk.media.changeMicrophone()}>
            {t("sound.retry")}
          </button>
          {phone && (
            <button
              type="button"
              className="button button-small"
              data-testid="use-phone"
              onClick={() => void desk.run("position.phone", { on: true })}
            >
              ☎ {t("phone.use")}
            </button>
          )}
        </p>
      )}
      <DayNotices />
      {sorted.map((notice) => (
        <p
          key={notice.id}
          className={`notice notice-${notice.level}`}
          data-testid="notice"
          data-code={notice.code}
          title={text(notice, language)}
        >
          {text(notice, language)}
        </p>
      ))}
      {sorted.length === 0 && !hasDayNotices(me) && sound !== "no-microphone" && (
        <p className="notice-keys">
          <kbd>Enter</kbd> {t("keys.answer")} · <kbd>{t("keys.space")}</kbd> {t("keys.ptt")} · <kbd>N</kbd>{" "}
          {t("keys.dial_short")} · <kbd>?</kbd> {t("keys.title")}
        </p>
      )}
    </div>
  );
}

/** Mere news (nothing has to be done, nothing takes it back) goes after so long. */
const NEWS_MS = 60_000;
/** Told with its buttons, for as long as it holds, beside these. */
const OF_LOAN: ReadonlySet<string> = new Set(["loan-consent", "loan-lent"]);

function stands(notice: Notice, now_ms: number, me: Me): boolean {
  if (notice.level === "info" && now_ms - notice.at_ms > NEWS_MS) return false;
  return me.loan === null || !OF_LOAN.has(notice.code);
}

function text(notice: Notice, language: "nb" | "en"): string {
  return (language === "nb" ? notice.text_nb : notice.text_en) || notice.code;
}

/** Short messages about what the operator just did; they lie over the page and move nothing. */
export function Toasts() {
  const { t } = useLanguage();
  const { toasts } = useDeskState();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <p key={toast.id} className={`toast toast-${toast.level}`} data-testid="toast" data-code={toast.code}>
          {errorText(t, toast.code)}
        </p>
      ))}
    </div>
  );
}
