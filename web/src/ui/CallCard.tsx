import { useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { CallerLine, Details, LocationLines } from "./CallerFacts";
import { coordinates, duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { PatchStrip } from "./PatchStrip";
import { VideoPane } from "./VideoPane";

interface CallCardProps {
  call: Call;
  /** L was pressed once. */
  hangupArmed: boolean;
  onPatch(): void;
  onTransfer(): void;
}

/** The call that is up: who, from where, for how long, and what can be done with it. */
export function CallCard({ call, hangupArmed, onPatch, onTransfer }: CallCardProps) {
  const { t } = useLanguage();
  const now = useNow(useLive().clock_offset_ms, 500);
  const since_ms = call.answered_at_ms ?? call.arrived_at_ms;
  return (
    <section
      className={`call call-${call.state} class-edge class-${call.class}`}
      data-testid="call-card"
      data-contact={call.contact}
      data-state={call.state}
      aria-label={t(`call.${call.state}`)}
    >
      <header className="call-head">
        <span className={`chip call-chip-${call.state}`}>{t(`call.${call.state}`)}</span>
        {call.recording && <span className="chip chip-rec">{t("call.recording")}</span>}
        <span className="call-queue">{call.queue_name}</span>
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
          <p className="muted">
            <CallerLine of={call} /> · {t("call.waited")}{" "}
            <span className="number">{duration(since_ms - call.arrived_at_ms)}</span>
          </p>
          <LocationBlock call={call} />
          <Details call={call} />
          <PatchStrip call={call} />
        </div>
        <VideoPane call={call} />
      </div>
      <Buttons call={call} hangupArmed={hangupArmed} onPatch={onPatch} onTransfer={onTransfer} />
    </section>
  );
}

function LocationBlock({ call }: { call: Call }) {
  const { t } = useLanguage();
  const { text, latitude, longitude, radius_m, problem } = call.location;
  const point = latitude !== null && longitude !== null ? coordinates(latitude, longitude) : null;
  return (
    <div className="location" data-testid="call-location">
      <h3>{t("call.location")}</h3>
      <p className="location-text">{text || (point ? "" : t("call.no_location"))}</p>
      {point && (
        <p className="location-point number">
          {point} {radius_m !== null && <span>{t("call.radius", { metres: Math.round(radius_m) })}</span>}
          <CopyButton text={point} />
        </p>
      )}
      {problem && <p className="location-problem">{t("call.location_problem", { problem })}</p>}
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

function Buttons({ call, hangupArmed, onPatch, onTransfer }: CallCardProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { contact } = call;
  const held = call.state === "held";
  const ready = call.state !== "connecting";
  const patched = call.patch?.state === "active" || call.patch?.state === "requested";
  return (
    <footer className="call-buttons">
      <button
        type="button"
        className="button"
        data-testid="call-hold"
        aria-pressed={held}
        disabled={!ready || busy.has("contact.hold")}
        onClick={() => void desk.run("contact.hold", { contact, on: !held })}
      >
        {held ? t("call.resume") : t("call.hold")} <kbd>H</kbd>
      </button>
      {patched ? (
        <button
          type="button"
          className="button button-on"
          data-testid="call-unpatch"
          disabled={busy.has("contact.unpatch")}
          onClick={() => void desk.run("contact.unpatch", { contact })}
        >
          {t("call.unpatch")} <kbd>P</kbd>
        </button>
      ) : (
        <button type="button" className="button" data-testid="call-patch" disabled={!ready} onClick={onPatch}>
          {t("call.patch")} <kbd>P</kbd>
        </button>
      )}
      <button type="button" className="button" data-testid="call-transfer" disabled={!ready} onClick={onTransfer}>
        {t("call.transfer")} <kbd>T</kbd>
      </button>
      <button
        type="button"
        className="button"
        data-testid="video-invite"
        disabled={!ready || busy.has("video.invite")}
        onClick={() => void desk.run("video.invite", { contact })}
      >
        {t("call.video")} <kbd>V</kbd>
      </button>
      <button
        type="button"
        className="button button-danger"
        data-testid="call-hangup"
        data-armed={hangupArmed ? "yes" : "no"}
        disabled={busy.has("contact.hangup")}
        onClick={() => void desk.run("contact.hangup", { contact })}
      >
        {hangupArmed ? t("call.hangup_armed") : t("call.hangup")} <kbd>L L</kbd>
      </button>
    </footer>
  );
}
