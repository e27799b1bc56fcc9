import { useLanguage } from "../i18n/language";
import type { Ended } from "../state/live";
import { phone } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";
import { causeText } from "./words";

/** A call out that came to nothing: why, and once more. It stays until the next call, or until it is put away. */
export function CallOutcome({ ended }: { ended: Ended }) {
  const { t, language } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { call } = ended;
  const { services } = useLive();
  const name = call.display || services.find((one) => one.number === call.caller)?.label || "";
  return (
    <section className="outcome" role="status" data-testid="call-outcome" data-cause={ended.cause}>
      <p className="outcome-who">
        ↗ {name && <b>{name}</b>} <span className="number">{phone(call.caller)}</span>
      </p>
      <p className="outcome-cause">
        {ended.cause === "hangup" ? t("outcome.cancelled") : causeText(ended, language) || t("outcome.nothing")}
      </p>
      <button
        type="button"
        className="button"
        data-testid="dial-again"
        disabled={busy.has("contact.dial")}
        onClick={() => void desk.run("contact.dial", { number: call.caller, display: call.display })}
      >
        {t("party.again")}
      </button>
    </section>
  );
}
