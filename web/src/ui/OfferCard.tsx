import { useEffect, useRef } from "react";
import type { Offer } from "../api/types";
import { useLanguage } from "../i18n/language";
import { AlarmKey } from "./AlarmCard";
import { CallerLine } from "./CallerFacts";
import { CaseMarks, InvitedBy } from "./CaseMarks";
import { Messages } from "./ChatDeck";
import { duration, phone, secondsLeft } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { WhyMark } from "./Why";
import { useQueueTitle } from "./words";

/** An incoming call: large, announced, one key answers. */
export function OfferCard({ offer }: { offer: Offer }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { clock_offset_ms, phone: desk_phone, me } = useLive();
  const now = useNow(clock_offset_ms, 250);
  const answer = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // Never out of somebody's typing; elsewhere the big button takes the focus, so that a screen reader lands on it.
    if (!document.activeElement?.closest("input, textarea, select, dialog")) answer.current?.focus();
  }, []);
  const { contact, epoch, kind } = offer;
  const title = kind === "voice" ? t("offer.title") : t(`kind.${kind}`);
  const take = kind === "chat" ? "chat.take" : kind === "voice" || kind === "video" ? "offer.answer" : "alarm.take";
  const left_s = secondsLeft(offer.expires_at_ms, now);
  const answering = busy.has("contact.accept") || offer.standby;
  return (
    <section
      className={`offer offer-${offer.class}`}
      data-testid="offer-card"
      data-contact={contact}
      data-epoch={epoch}
      data-kind={offer.kind}
      aria-label={title}
    >
      <header className="offer-head">
        <span className="offer-title">{title}</span>
        <span className={`chip class-chip-${offer.class}`}>{t(`class.${offer.class}`)}</span>
        <span className="number offer-age">{t("offer.waited", { time: duration(now - offer.arrived_at_ms) })}</span>
        <WhyMark asked={offer} at="offer" />
      </header>
      <InvitedBy purpose={offer.purpose} name={offer.invited_by_name} />
      {!offer.purpose && offer.talked_with && (
        <p className="offer-invited" data-testid="offer-talked">
          {offer.talked_with === me.name ? t("offer.returns") : t("offer.talked", { name: offer.talked_with })}
        </p>
      )}
      <p className="offer-queue">{queueTitle(offer)}</p>
      <p className="offer-number number">
        {offer.kind === "voice"
          ? offer.caller
            ? phone(offer.caller)
            : t("caller.unknown")
          : offer.caller_name || (offer.caller ? phone(offer.caller) : t("caller.unknown"))}
      </p>
      {offer.kind === "voice" && <CallerLine of={offer} />}
      <CaseMarks of={offer} />
      {offer.kind === "voice" ? (
        <p className="offer-location">{offer.location_text || t("call.no_location")}</p>
      ) : (
        <>
          <OfferText offer={offer} />
          {offer.area && offer.kind !== "radio" && <p className="muted">{`${t("alarm.area")}: ${offer.area}`}</p>}
          <AlarmKey of={offer.key_pressed} />
        </>
      )}
      <div className="offer-buttons">
        {desk_phone?.serves && offer.kind === "voice" ? (
          <p className="offer-by-phone" data-testid="offer-by-phone">
            ☎ {t("offer.by_phone")}
          </p>
        ) : (
          <button
            ref={answer}
            type="button"
            className="button button-answer"
            data-testid="offer-answer"
            data-own-enter
            disabled={answering}
            onClick={() => void desk.run("contact.accept", { contact, epoch })}
          >
            {t(take)} <kbd>Enter</kbd>
          </button>
        )}
        <button
          type="button"
          className="button button-reject"
          data-testid="offer-reject"
          data-own-enter
          disabled={answering || busy.has("contact.reject")}
          onClick={() => void desk.run("contact.reject", { contact, epoch })}
        >
          {t("offer.reject")} <kbd>Esc</kbd>
        </button>
      </div>
      <p className="muted number" role="status" data-testid="offer-left">
        {offer.standby ? t("offer.standby") : t("offer.expires", { seconds: left_s })}
      </p>
    </section>
  );
}

/** What is written: of a chat that a colleague hands on all of it, so that it is known what is taken over. */
function OfferText({ offer }: { offer: Offer }) {
  const { t } = useLanguage();
  if (offer.messages.length > 0)
    return (
      <Messages card={offer} who={offer.caller_name || (offer.caller ? phone(offer.caller) : t("caller.unknown"))} />
    );
  return (
    <p className="offer-text" data-testid="offer-text">
      {offer.text || t("alarm.no_text")}
    </p>
  );
}
