import { useLanguage } from "../i18n/language";
import { cameToNothing, goesOn } from "../state/live";
import { AlarmCard } from "./AlarmCard";
import { CallCard, type CallCardProps } from "./CallCard";
import { Move } from "./CallMoves";
import { CallOutcome } from "./CallOutcome";
import { wholeCard } from "./cards";
import { WhyAway } from "./DayLines";
import { phone, secondsLeft } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { OfferCard } from "./OfferCard";
import { causeText, useQueueTitle } from "./words";

/** By so much one press extends the paper work, in seconds. */
export const EXTEND_S = 60;

interface CentreProps extends CallCardProps {
  onDial(): void;
}

/** The middle: the offer, the call, the wrap-up, or why there is none. */
export function Centre({ onDial, ...card }: CentreProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const { offer, call, me, cards } = useLive();
  const alarm = call ? null : wholeCard(cards);
  return (
    <main className="centre panel">
      <div className="sr-only" role="status" aria-live="assertive">
        {offer && t("offer.announce", { queue: queueTitle(offer), caller: offer.caller || t("caller.unknown") })}
      </div>
      {call && <CallCard call={call} {...card} />}
      {alarm && (
        <AlarmCard
          key={alarm.contact}
          card={alarm}
          armed={card.armed === "alarm"}
          onColleague={card.onColleague}
          onMove={card.onTransfer}
        />
      )}
      {!call && !alarm && offer && <OfferCard key={`${offer.contact}-${offer.epoch}`} offer={offer} />}
      {!call && !alarm && !offer && (me.state === "wrap-up" ? <WrapUp onDial={onDial} /> : <Idle onDial={onDial} />)}
    </main>
  );
}

function Idle({ onDial }: { onDial(): void }) {
  const { t } = useLanguage();
  const { me, ended, phone, operators } = useLive();
  const reserved = me.state === "idle" && operators.some((row) => row.operator === me.operator && row.reserved);
  const byPhone = phone?.serves ?? false;
  const desk = useDesk();
  const word =
    me.state === "unreachable"
      ? byPhone
        ? "centre.idle_phone_away"
        : "centre.idle_unreachable"
      : me.activity === "available"
        ? byPhone
          ? "centre.idle_phone"
          : "centre.idle_available"
        : me.activity === "break"
          ? "centre.idle_break"
          : "centre.idle_after_call";
  return (
    <div className={`idle idle-${me.state === "unreachable" ? "unreachable" : me.activity}`} data-testid="idle">
      <p className="idle-title">{t("centre.idle")}</p>
      <p>{t(word)}</p>
      <p className="my-reserve muted" role="status">
        {reserved && <span data-testid="my-reserve">{t("reserve.mine")}</span>}
      </p>
      <WhyAway />
      <div className="idle-action">
        {me.activity !== "available" && (
          <button
            type="button"
            className="button button-primary"
            onClick={() => void desk.run("activity.set", { activity: "available", reason: "", note: "" })}
          >
            {t("centre.go_available")} <kbd>A</kbd>
          </button>
        )}
        <DialButton onDial={onDial} />
      </div>
      {ended && cameToNothing(ended) && <CallOutcome ended={ended} />}
    </div>
  );
}

function DialButton({ onDial }: { onDial(): void }) {
  const { t } = useLanguage();
  return (
    <button type="button" className="button" data-testid="open-dial" onClick={onDial}>
      {t("dial.open")} <kbd>N</kbd>
    </button>
  );
}

function WrapUp({ onDial }: { onDial(): void }) {
  const { t, language } = useLanguage();
  const queueTitle = useQueueTitle();
  const { me, ended, clock_offset_ms } = useLive();
  const { busy } = useDeskState();
  const desk = useDesk();
  const now = useNow(clock_offset_ms, 250);
  return (
    <div className="wrap-up" data-testid="wrap-up">
      <p className="idle-title">{t("call.wrap_up")}</p>
      {ended && !cameToNothing(ended) && (
        <p>
          {(goesOn(ended) && causeText(ended, language)) || t("call.ended")} · {queueTitle(ended.call)} ·{" "}
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
      <div className="idle-action">
        <Move
          id="wrap-up-extend"
          cap="+"
          why={me.wrap_up_extension_left_ms > 0 ? null : "day.no_more_time"}
          hint="day.extend_hint"
          waits={busy.has("wrapup.extend")}
          onClick={() => void desk.run("wrapup.extend", { seconds: EXTEND_S })}
        >
          {t("day.extend")}
        </Move>
        <DialButton onDial={onDial} />
      </div>
      {ended && cameToNothing(ended) && <CallOutcome ended={ended} />}
    </div>
  );
}
