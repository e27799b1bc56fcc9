import { useState } from "react";
import type { Call, ServiceResult } from "../api/types";
import { useLanguage } from "../i18n/language";
import { CallButtons } from "./CallButtons";
import { CallerLine, Details, LocationLines } from "./CallerFacts";
import { CallMoves } from "./CallMoves";
import { CaseMarks, SilentHint } from "./CaseMarks";
import { FlagDialog } from "./FlagDialog";
import { coordinates, duration, phone } from "./format";
import { useLive, useNow } from "./hooks";
import { Participants } from "./Participants";
import { PatchStrip } from "./PatchStrip";
import { RecordingState } from "./Recording";
import type { Armed } from "./useActions";
import { VideoPane } from "./VideoPane";
import { isOfRoom, useQueueTitle } from "./words";

export interface CallCardProps {
  /** Which key was pressed once and waits for the second press. */
  armed: Armed["what"] | null;
  /** Services of the last triple notification that could not even be dialled. */
  refused: readonly ServiceResult[];
  onPatch(): void;
  onTransfer(): void;
  onKeypad(): void;
  onColleague(): void;
  onAdd(): void;
  onTriple(): void;
}

/** The call that is up: who, from where, who else is in it, for how long, and what can be done with it. */
export function CallCard({ call, ...on }: CallCardProps & { call: Call }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const now = useNow(useLive().clock_offset_ms, 500);
  const out = call.direction === "out";
  const dialling = out && call.state === "connecting";
  const since_ms = dialling ? call.arrived_at_ms : (call.answered_at_ms ?? call.arrived_at_ms);
  const state = dialling ? t(`far.${call.far_end}`) : t(`call.${call.state}`);
  return (
    <section
      className={`call call-${call.state} class-edge class-${call.class}`}
      data-testid="call-card"
      data-contact={call.contact}
      data-state={call.state}
      data-far-end={call.far_end}
      data-direction={call.direction}
      aria-label={state}
    >
      <header className="call-head">
        <span className={`chip call-chip-${call.state}`} data-testid="call-state">
          {state}
        </span>
        {out && <span className="chip call-chip-out">↗ {t("call.out")}</span>}
        <RecordingState call={call} />
        <span className="call-queue">{isOfRoom(call) ? "" : queueTitle(call)}</span>
        <span className={`chip class-chip-${call.class}`}>{t(`class.${call.class}`)}</span>
        <span className="call-timer number" data-testid="call-timer">
          {duration(now - since_ms)}
        </span>
      </header>
      <div className="call-body">
        <div className="call-facts">
          <p className="call-number number" data-testid="call-number">
            {call.caller ? phone(call.caller) : t("caller.unknown")}
          </p>
          {out ? (
            <Dialled call={call} />
          ) : (
            <Caller call={call} waited_ms={(call.first_answered_at_ms ?? since_ms) - call.arrived_at_ms} />
          )}
          <Referred call={call} />
          <Details call={call} />
          <SilentHint call={call} />
          <PatchStrip call={call} />
        </div>
        <div className="call-side">
          {call.far_end !== "gone" && <VideoPane call={call} />}
          <Participants
            call={call}
            tripleArmed={on.armed === "triple"}
            refused={on.refused}
            onAdd={on.onAdd}
            onTriple={on.onTriple}
          />
        </div>
      </div>
      <CallButtons
        call={call}
        armed={on.armed}
        onPatch={on.onPatch}
        onTransfer={on.onTransfer}
        onKeypad={on.onKeypad}
      />
      <CallMoves call={call} armed={on.armed} onColleague={on.onColleague} />
    </section>
  );
}

/** Whom we called, and how it goes until somebody answers. */
function Dialled({ call }: { call: Call }) {
  const { t } = useLanguage();
  return (
    <>
      <p className="call-display">{call.display}</p>
      <p className={`far-line far-line-${call.far_end}`} role="status" data-testid="far-line">
        {call.state === "connecting" && t(`far.${call.far_end}_long`)}
        {call.far_end === "gone" && t("far.gone")}
      </p>
    </>
  );
}

function Caller({ call, waited_ms }: { call: Call; waited_ms: number }) {
  const { t } = useLanguage();
  const [flagging, flag] = useState(false);
  return (
    <>
      <CallerLine of={call} />
      <div className="marks-line">
        <CaseMarks of={call} />
        {call.caller && (
          <button type="button" className="button button-small" data-testid="call-flag" onClick={() => flag(true)}>
            ⚑ {t(call.flag ? "flag.change" : "flag.new")}
          </button>
        )}
      </div>
      {flagging && <FlagDialog number={call.caller} onClose={() => flag(false)} />}
      <p className="muted">
        {t("call.waited")} <span className="number">{duration(waited_ms)}</span>
        {call.far_end === "gone" && <b className="location-problem"> · {t("far.gone_long")}</b>}
      </p>
      <LocationBlock call={call} />
    </>
  );
}

/** The carrier was asked to take the call. */
function Referred({ call }: { call: Call }) {
  const { t } = useLanguage();
  if (!call.referral) return null;
  const { number, state } = call.referral;
  return (
    <p className={`referral referral-${state}`} role="status" data-testid="referral" data-state={state}>
      {t(`referral.${state}`, { number: phone(number) })}
    </p>
  );
}

function LocationBlock({ call }: { call: Call }) {
  const { t } = useLanguage();
  const { text, latitude, longitude, radius_m, problem } = call.location;
  const point = latitude !== null && longitude !== null ? coordinates(latitude, longitude) : null;
  // The text ends with the point, which has a line and a button of its own.
  const address = point ? (text.split(`(${point}`)[0] ?? "").trim() : text;
  return (
    <div className="location" data-testid="call-location">
      <h3>{t("call.location")}</h3>
      {(address || !point) && <p className="location-text">{address || t("call.no_location")}</p>}
      {point && (
        <p className="location-point number">
          {point} {radius_m !== null && <span>{t("call.radius", { metres: Math.round(radius_m) })}</span>}
          <CopyButton text={point} />
        </p>
      )}
      {problem && (
        <p className="location-problem" role="status">
          ⚠ {t("call.location_problem", { problem })}
        </p>
      )}
      <LocationLines location={call.location} />
    </div>
  );
}

export function CopyButton({ text }: { text: string }) {
  const { t } = useLanguage();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    } catch {
      setCopied(false); // a browser without clipboard access: the text can still be marked and copied
    }
  };
  return (
    <button type="button" className="button button-small" onClick={() => void copy()}>
      {copied ? t("call.copied") : t("call.copy")}
    </button>
  );
}
