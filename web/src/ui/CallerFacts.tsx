import type { Call, CallLocation, Offer } from "../api/types";
import { type Translate, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { clock, duration, phone } from "./format";
import { useLive, useNow } from "./hooks";
import { TRUST } from "./words";

/** How far the number can be believed, the name beside it, and whom the call was meant for first. */
export function CallerLine({
  of: { caller_source, caller_name, caller_private, diverted_from },
}: {
  of: Call | Offer;
}) {
  const { t } = useLanguage();
  return (
    <div className="caller-line" data-testid="caller-line">
      {caller_name && <b>{caller_name}</b>}
      <span className={`trust trust-${TRUST[caller_source]}`}>{t(`caller.${caller_source}`)}</span>
      {caller_private && <span className="muted">{t("caller.private")}</span>}
      {diverted_from.length > 0 && (
        <span className="diverted">↪ {t("caller.diverted", { numbers: diverted_from.map(phone).join(", ") })}</span>
      )}
    </div>
  );
}

/** What is known of the position besides where it is, and every one of several. */
export function LocationLines({ location: { method, measured, pending, all } }: { location: CallLocation }) {
  const { t } = useLanguage();
  const { clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const found = measured && whenFound(measured, now, t);
  return (
    <>
      {(method || found) && <p className="muted">{[method, found].filter(Boolean).join(" · ")}</p>}
      {pending && <p className="muted">{t("call.location_pending")}</p>}
      {all.length > 0 && (
        <ol className="location-all muted" data-testid="call-locations">
          {all.map((line, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the order is all they have
            <li key={place}>{line}</li>
          ))}
        </ol>
      )}
    </>
  );
}

const DAY_MS = 86_400_000;

/** The network's time (RFC 3339) on this console's clock, and how old that is; words that are no time stay as they came. */
export function whenFound(measured: string, now_ms: number, t: Translate): string {
  const at_ms = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/i.test(measured) ? Date.parse(measured) : Number.NaN;
  if (Number.isNaN(at_ms)) return measured;
  const age_ms = now_ms - at_ms;
  if (Math.abs(age_ms) >= DAY_MS) return new Date(at_ms).toLocaleString();
  return age_ms < 0 ? clock(at_ms) : t("call.found", { time: clock(at_ms), age: duration(age_ms) });
}

const LABELS: Record<string, Word> = {
  provider: "detail.provider",
  service: "detail.service",
  device: "detail.device",
  subscriber: "detail.subscriber",
  comment: "detail.comment",
  priority: "detail.priority",
  "other-data": "detail.other-data",
  "unreadable-data": "detail.unreadable-data",
  "area-number": "detail.area-number",
  "area-trunk": "detail.area-trunk",
  "area-location": "detail.area-location",
  "area-caller": "detail.area-caller",
  "area-unknown": "detail.area-unknown",
};

/** Labelled lines of what networks, devices and services say; a label this page does not know stands as it came. */
export function Details({ call: { details } }: { call: Call }) {
  const { t } = useLanguage();
  if (details.length === 0) return null;
  return (
    <dl className="details" data-testid="call-details">
      {details.map(({ label, text }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two lines may be the same
        <div key={place}>
          <dt>{LABELS[label] ? t(LABELS[label]) : label}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
