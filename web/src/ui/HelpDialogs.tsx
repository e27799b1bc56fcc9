import { useEffect, useState } from "react";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import type { Devices } from "../state/devices";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState } from "./hooks";

const KEYS: readonly (readonly [string, Word])[] = [
  ["Enter", "keys.answer"],
  ["Esc", "keys.reject"],
  ["Space", "keys.ptt"],
  ["1–9", "keys.select"],
  ["M", "keys.monitor"],
  ["H", "keys.hold"],
  ["P", "keys.patch"],
  ["C", "keys.talk"],
  ["N", "keys.dial"],
  ["X X", "keys.triple"],
  ["T", "keys.transfer"],
  ["G G", "keys.leave"],
  ["S", "keys.park"],
  ["U", "keys.parked"],
  ["E", "keys.colleague"],
  ["W", "keys.swap"],
  ["J J", "keys.merge"],
  ["O O", "keys.complete"],
  ["Y", "keys.why"],
  ["K", "keys.keypad"],
  ["V", "keys.video"],
  ["L L", "keys.hangup"],
  ["D", "keys.done"],
  ["+", "day.extend"],
  ["I", "keys.chat_take"],
  ["R", "keys.chat_answer"],
  ["F", "keys.follow_up"],
  ["A", "keys.available"],
  ["B", "keys.break"],
  ["?", "keys.help"],
];

export function KeysDialog({ onClose }: { onClose(): void }) {
  const { t } = useLanguage();
  return (
    <Dialog title={t("keys.title")} onClose={onClose} wide>
      <dl className="keys" data-testid="keys">
        {KEYS.map(([key, word]) => (
          <div key={key}>
            <dt>
              <kbd>{key === "Space" ? t("keys.space") : key}</kbd>
            </dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

const PICKERS = [
  ["microphone", "audioinput", "devices.microphone"],
  ["headset", "audiooutput", "devices.headset"],
  ["speaker", "audiooutput", "devices.speaker"],
] as const;

/** Calls in the headset, radio on the loudspeaker: three choices, kept by this machine's browser. */
export function DevicesDialog({ onClose }: { onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { devices } = useDeskState();
  const [found, setFound] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    const look = () => void media.enumerateDevices().then(setFound, () => setFound([]));
    look();
    media.addEventListener("devicechange", look);
    return () => media.removeEventListener("devicechange", look);
  }, []);
  const change = (part: Partial<Devices>) => void desk.changeDevices({ ...devices, ...part });
  return (
    <Dialog title={t("devices.title")} onClose={onClose}>
      {PICKERS.map(([name, kind, word]) => (
        <label key={name} className="field">
          <span>{t(word)}</span>
          <select
            data-testid={`device-${name}`}
            value={devices[name]}
            onChange={(event) => change({ [name]: event.target.value })}
          >
            <option value="">{t("devices.default")}</option>
            {found
              .filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default")
              .map((device) => (
                <option key={device.deviceId} value={device.deviceId}>
                  {device.label || device.deviceId.slice(0, 8)}
                </option>
              ))}
          </select>
        </label>
      ))}
      <footer className="dialog-foot">
        <button type="button" className="button button-primary" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </footer>
    </Dialog>
  );
}
