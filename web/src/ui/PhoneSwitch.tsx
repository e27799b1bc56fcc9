import { useLanguage } from "../i18n/language";
import { useDesk, useDeskState, useLive } from "./hooks";
import { isThere } from "./words";

/** "My phone": the position's own telephone in place of the browser's sound, and how it is with it. */
export function PhoneSwitch() {
  const { t } = useLanguage();
  const desk = useDesk();
  const { phone, call } = useLive();
  const { busy } = useDeskState();
  if (!phone) return null;
  const { serves, state } = phone;
  return (
    <button
      type="button"
      className={`button phone-switch phone-${isThere(state) ? "there" : "away"}`}
      data-testid="phone-switch"
      data-state={state}
      aria-pressed={serves}
      title={serves ? t("phone.back_to_browser") : t("phone.use")}
      disabled={call !== null || busy.has("position.phone")}
      onClick={() => void desk.run("position.phone", { on: !serves })}
    >
      <span aria-hidden="true">☎</span>
      <span className="stack">
        <span>{t("phone.mine")}</span>
        <span className="phone-state">{t(`phone.${state}`)}</span>
      </span>
    </button>
  );
}
