import { useCallback, useEffect, useState } from "react";
import type { Http } from "../api/http";
import type { Lab, LabRadio } from "../api/types";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { phone } from "./format";
import { useDesk } from "./hooks";
import { useHold } from "./useHold";
import { useQueueTitle } from "./words";

const REFRESH_MS = 2_000;
const NOTHING: Lab = { queues: [], brings: [], radios: [], callers: [], simulator: true };

const EMERGENCY_WORDS: Record<LabRadio["emergency"], Word> = {
  "": "lab.emergency",
  raised: "lab.emergency_raised",
  acked: "lab.emergency_acked",
};

/** The lab's own controls: let somebody ring, press a simulated radio's key. Only where the server is a lab. */
export function LabPanel({ http }: { http: Http }) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const [lab, setLab] = useState<Lab>(NOTHING);
  const refresh = useCallback(() => {
    http.lab().then(setLab, () => setLab((before) => ({ ...before, simulator: false })));
  }, [http]);
  useEffect(() => {
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, [refresh]);
  const act = (action: Promise<unknown>) =>
    action.then(refresh, (refusal: { code?: string }) => desk.toast(refusal.code ?? "network"));
  const callers = lab.callers.filter((caller) => caller.state !== "ended");
  return (
    <section className="lab panel" aria-label={t("bottom.lab")}>
      <h2 className="panel-title">{t("bottom.lab")}</h2>
      <div className="scroll lab-body">
        {!lab.simulator && <p className="lab-problem">{t("lab.no_simulator")}</p>}
        <div className="lab-ring">
          {lab.queues.map((queue) => (
            <button
              key={queue.number}
              type="button"
              className="button button-small"
              data-testid={`lab-ring-${queue.number}`}
              onClick={() => void act(http.labRing(queue.number))}
            >
              {t("lab.ring", { name: queueTitle(queue) })}
            </button>
          ))}
        </div>
        {lab.brings.length > 0 && (
          <div className="lab-ring">
            {lab.brings.map((one) => (
              <button
                key={one.kind}
                type="button"
                className="button button-small"
                data-testid={`lab-bring-${one.kind}`}
                title={queueTitle(one)}
                onClick={() => void act(http.labBring(one.kind))}
              >
                {t(one.kind === "chat" ? "lab.chat" : "lab.alarm")}
              </button>
            ))}
          </div>
        )}
        <h3>{t("lab.callers")}</h3>
        <ul className="lab-callers">
          {callers.length === 0 && <li className="muted">{t("lab.no_callers")}</li>}
          {callers.map((caller) => (
            <li key={caller.id}>
              <span className="stack">
                <span className="number">{caller.caller ? phone(caller.caller) : caller.id}</span>
                <span className="muted">{[caller.number, caller.state].filter(Boolean).join(" · ")}</span>
              </span>
              <button
                type="button"
                className="button button-small"
                data-testid={`lab-hangup-${caller.id}`}
                onClick={() => void act(http.labHangup(caller.id))}
              >
                {t("lab.hangup")}
              </button>
            </li>
          ))}
        </ul>
        <h3>{t("lab.radios")}</h3>
        <div className="lab-ring">
          {lab.radios.map((radio) => (
            <span key={radio.issi} className="lab-radio">
              <Radio radio={radio} onKey={(on) => void act(http.labRadioPtt(radio.issi, on))} />
              <button
                type="button"
                className={`button button-small ${radio.emergency ? "button-danger" : ""}`}
                data-testid={`lab-emergency-${radio.issi}`}
                aria-pressed={radio.emergency !== ""}
                aria-label={`SOS · ${t("lab.emergency_of", { name: radio.alias })}`}
                title={t(EMERGENCY_WORDS[radio.emergency])}
                onClick={() => void act(http.labEmergency(radio.issi, radio.emergency === ""))}
              >
                SOS
              </button>
            </span>
          ))}
        </div>
      </div>
    </section>
  );
}

function Radio({ radio, onKey }: { radio: LabRadio; onKey(on: boolean): void }) {
  const [held, setHeld] = useState(false);
  const key = (on: boolean) => {
    setHeld(on);
    onKey(on);
  };
  const hold = useHold(
    () => key(true),
    () => key(false),
  );
  return (
    <button
      type="button"
      className="button button-small"
      data-testid={`lab-radio-${radio.issi}`}
      aria-pressed={held}
      {...hold}
    >
      {radio.alias} {radio.gssi != null && <span className="muted number">{radio.gssi}</span>}
    </button>
  );
}
