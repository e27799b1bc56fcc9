import { useLanguage } from "../i18n/language";
import { CallCard } from "./CallCard";
import { phone, secondsLeft } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { OfferCard } from "./OfferCard";

interface CentreProps {
  hangupArmed: boolean;
  onPatch(): void;
  onTransfer(): void;
}

/** The middle: the offer, the call, the wrap-up, or why there is none. */
export function Centre(props: CentreProps) {
  const { t } = useLanguage();
  const { offer, call, me } = useLive();
  return (
    <main className="centre panel">
      <div className="sr-only" role="status" aria-live="assertive">
        {offer && t("offer.announce", { queue: offer.queue_name, caller: offer.caller || t("caller.unknown") })}
      </div>
      {call && <CallCard call={call} {...props} />}
      {!call && offer && <OfferCard key={`${offer.contact}-${offer.epoch}`} offer={offer} />}
      {!call && !offer && (me.state === "wrap-up" ? <WrapUp /> : <Idle />)}
    </main>
  );
}

function Idle() {
  const { t } = useLanguage();
  const { me } = useLive();
  const desk = useDesk();
  const word =
    me.state === "unreachable"
      ? "centre.idle_unreachable"
      : me.activity === "available"
        ? "centre.idle_available"
        : me.activity === "break"
          ? "centre.idle_break"
          : "centre.idle_after_call";
  return (
    <div className={`idle idle-${me.state === "unreachable" ? "unreachable" : me.activity}`} data-testid="idle">
      <p className="idle-title">{t("centre.idle")}</p>
      <p>{t(word)}</p>
      <div className="idle-action">
        {me.activity !== "available" && (
          <button
            type="button"
            className="button button-primary"
            onClick={() => void desk.run("activity.set", { activity: "available", reason: "" })}
          >
            {t("centre.go_available")} <kbd>A</kbd>
          </button>
        )}
      </div>
    </div>
  );
}

function WrapUp() {
  const { t } = useLanguage();
  const { me, ended, clock_offset_ms } = useLive();
  const { busy } = useDeskState();
  const desk = useDesk();
  const now = useNow(clock_offset_ms, 250);
  return (
    <div className="wrap-up" data-testid="wrap-up">
      <p className="idle-title">{t("call.wrap_up")}</p>
      {ended && (
        <p>
          {t("call.ended")} · {ended.call.queue_name} ·{" "}
          <span className="number">{ended.call.caller ? phone(ended.call.caller) : t("caller.unknown")}</span>
        </p>
      )}
      <p className="wrap-up-left number" data-testid="wrap-up-left">
        {me.wrap_up_until_ms !== null && t("call.wrap_up_left", { seconds: secondsLeft(me.wrap_up_until_ms, now) })}
      </p>
      <button
        type="button"
        className="button button-primary"
        data-testid="wrap-up-done"
        disabled={busy.has("wrapup.done")}
        onClick={() => void desk.run("wrapup.done", {})}
      >
        {t("call.done")} <kbd>D</kbd>
      </button>
    </div>
  );
}
