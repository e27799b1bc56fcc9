import { useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive } from "./hooks";
import { NumberPad } from "./NumberPad";

/** A call out from this position. It closes when the call is under way; a refusal is said here. */
export function DialDialog({ onClose }: { onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { services, phone } = useLive();
  const { busy } = useDeskState();
  const [problem, setProblem] = useState("");
  const dial = async (number: string, display: string) => {
    setProblem("");
    const outcome = await desk.ask("contact.dial", { number, display });
    if (outcome.ok) onClose();
    else setProblem(outcome.code);
  };
  return (
    <Dialog title={t("dial.title")} onClose={onClose} wide>
      <NumberPad
        services={services}
        action={t("dial.call")}
        disabled={busy.has("contact.dial") || (phone?.serves ?? false)}
        problem={phone?.serves ? "use-phone" : problem}
        onNumber={(number) => void dial(number, "")}
        onService={(service) => void dial(service.number, service.label)}
      />
    </Dialog>
  );
}

/** Somebody more in the call: joined at once, or in private first while the caller hears music. */
export function AddPartyDialog({ call, onClose }: { call: Call; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { services } = useLive();
  const { busy } = useDeskState();
  const [problem, setProblem] = useState("");
  const [apart, setApart] = useState(false);
  const add = async (number: string, label: string) => {
    setProblem("");
    const outcome = await desk.ask("party.add", { contact: call.contact, number, private: apart, label });
    if (outcome.ok) onClose();
    else setProblem(outcome.code);
  };
  return (
    <Dialog title={t("party.add_title")} onClose={onClose} wide>
      <NumberPad
        services={services}
        action={t("dial.call")}
        disabled={busy.has("party.add")}
        problem={problem}
        onNumber={(number) => void add(number, "")}
        onService={(service) => void add(service.number, service.label)}
      >
        <label className="check pad-private">
          <input
            type="checkbox"
            data-testid="party-add-private"
            checked={apart}
            onChange={(event) => setApart(event.target.checked)}
          />
          {t("party.add_private")}
        </label>
      </NumberPad>
    </Dialog>
  );
}
