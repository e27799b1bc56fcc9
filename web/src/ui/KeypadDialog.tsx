import { type KeyboardEvent, useState } from "react";
import type { Call } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { useDesk } from "./hooks";
import { PAD_KEYS } from "./NumberPad";
import { partyName } from "./words";

/** Tones into the call, for menus and doors: towards one end at a time, each key at once. */
export function KeypadDialog({ call, onClose }: { call: Call; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const there = call.parties.filter((party) => party.state === "answered" || party.state === "early");
  // Whoever was called in last is most often the one with the menu; an incoming caller hardly ever is.
  const [chosen, choose] = useState<string | null>(() => there.at(-1)?.party ?? null);
  const target = there.some((party) => party.party === chosen) ? chosen : null;
  const [sent, setSent] = useState("");
  const [problem, setProblem] = useState("");
  const press = async (digits: string) => {
    setProblem("");
    const outcome = await desk.ask("contact.dtmf", { contact: call.contact, digits, party: target });
    if (outcome.ok) setSent((before) => (before + digits).slice(-24));
    else setProblem(outcome.code);
  };
  const typed = (event: KeyboardEvent) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (PAD_KEYS.some((key) => key === event.key)) void press(event.key);
  };
  const far = call.direction === "out" ? call.display || t("party.called") : t("party.caller");
  const ends = [{ party: null, name: far }, ...there.map((row) => ({ party: row.party, name: partyName(row) }))];
  return (
    <Dialog title={t("keypad.title")} onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: digits typed anywhere in the dialog are keys of the pad */}
      <div className="keypad" data-testid="keypad" onKeyDown={typed}>
        <fieldset className="segmented keypad-ends" aria-label={t("keypad.towards")}>
          {ends.map((end) => (
            <button
              key={end.party ?? ""}
              type="button"
              data-testid={`keypad-end-${end.party ?? "far"}`}
              data-first={target === end.party || undefined}
              aria-pressed={target === end.party}
              onClick={() => choose(end.party)}
            >
              {end.name}
            </button>
          ))}
        </fieldset>
        <p className="keypad-sent number" role="status" data-testid="keypad-sent">
          {sent}
        </p>
        <div className="pad-keys">
          {PAD_KEYS.map((digit) => (
            <button
              key={digit}
              type="button"
              className="button pad-key"
              data-testid={`keypad-${digit}`}
              onClick={() => void press(digit)}
            >
              {digit}
            </button>
          ))}
        </div>
        <p className="pad-problem" role="alert">
          {problem && errorText(t, problem)}
        </p>
      </div>
    </Dialog>
  );
}
