import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Service } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { phone } from "./format";

export const PAD_KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"] as const;
const LETTERS: Record<string, string> = {
  2: "ABC",
  3: "DEF",
  4: "GHI",
  5: "JKL",
  6: "MNO",
  7: "PQRS",
  8: "TUV",
  9: "WXYZ",
  0: "+",
};
const MAX_DIGITS = 32;

/** What can be dialled of what was typed or pasted: "+47 22 00 00 01" loses its spaces, "(22) 00" its brackets. */
export function dialable(text: string): string {
  return text.replace(/[^0-9+*#]/g, "").slice(0, MAX_DIGITS);
}

interface NumberPadProps {
  services: readonly Service[];
  /** A number: Enter or the green button. */
  onNumber(number: string): void;
  /** One click on a service. */
  onService(service: Service): void;
  /** Words on the button that dials. */
  action: string;
  disabled: boolean;
  /** Why the last attempt was refused, a code of the API. */
  problem: string;
  children?: ReactNode;
}

/** A number by keyboard or by click, and buttons for the services. Enter dials. */
export function NumberPad({ services, onNumber, onService, action, disabled, problem, children }: NumberPadProps) {
  const { t } = useLanguage();
  const [number, setNumber] = useState("");
  const input = useRef<HTMLInputElement>(null);
  // Digits typed anywhere in the dialog are the number's.
  useEffect(() => {
    const dialog = input.current?.closest("dialog");
    const typed = (event: KeyboardEvent) => {
      if (/^[0-9+*#]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) input.current?.focus();
    };
    dialog?.addEventListener("keydown", typed);
    return () => dialog?.removeEventListener("keydown", typed);
  }, []);
  const press = (digit: string) => {
    setNumber((before) => dialable(before + digit));
    input.current?.focus();
  };
  return (
    <form
      className="pad"
      data-testid="number-pad"
      onSubmit={(event) => {
        event.preventDefault();
        if (number && !disabled) onNumber(number);
      }}
    >
      <div className="pad-left">
        <div className="pad-entry">
          <input
            ref={input}
            data-first
            data-testid="pad-number"
            className="pad-number number"
            type="tel"
            autoComplete="off"
            aria-label={t("dial.number")}
            placeholder={t("dial.number")}
            value={number}
            onChange={(event) => setNumber(dialable(event.target.value))}
          />
          <button
            type="button"
            className="button"
            data-testid="pad-erase"
            aria-label={t("dial.erase")}
            disabled={!number}
            onClick={() => {
              setNumber((before) => before.slice(0, -1));
              input.current?.focus();
            }}
          >
            ⌫
          </button>
        </div>
        <div className="pad-keys">
          {PAD_KEYS.map((digit) => (
            <button
              key={digit}
              type="button"
              className="button pad-key"
              tabIndex={-1}
              data-testid={`pad-${digit}`}
              onClick={() => press(digit)}
            >
              {digit} <span className="muted">{LETTERS[digit]}</span>
            </button>
          ))}
        </div>
      </div>
      <div className="pad-right">
        <h3>{t("dial.services")}</h3>
        {services.length === 0 && <p className="muted">{t("dial.no_services")}</p>}
        <div className="pad-services">
          {services.map((service) => (
            <button
              key={service.service}
              type="button"
              className="button pad-service"
              data-testid={`pad-service-${service.service}`}
              disabled={disabled}
              onClick={() => onService(service)}
            >
              <strong>{service.label}</strong>
              <span className="muted number">
                {service.label.includes(service.number) ? "" : phone(service.number)}
              </span>
            </button>
          ))}
        </div>
      </div>
      <div className="pad-foot">
        {children}
        <p className="pad-problem" role="alert" data-testid="pad-problem" data-code={problem}>
          {problem && errorText(t, problem)}
        </p>
        <button
          type="submit"
          className="button button-answer pad-dial"
          data-testid="pad-dial"
          disabled={disabled || !number}
        >
          {action} <kbd>Enter</kbd>
        </button>
      </div>
    </form>
  );
}
