import type { ReactNode } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { useDesk, useDeskState } from "./hooks";
import { members } from "./moves";
import type { Armed } from "./useActions";

interface CallButtonsProps {
  call: Call;
  /** Which key was pressed once and waits for the second press. */
  armed: Armed["what"] | null;
  onPatch(): void;
  onTransfer(): void;
  onKeypad(): void;
}

/** Whether others stay when the operator leaves. */
export function othersStay(call: Call): boolean {
  const answered = call.parties.filter((party) => party.state === "answered").length;
  if (call.part === "holder" && members(call) > 0) return true;
  return call.part === "holder" && call.state !== "connecting" && answered + (call.far_end === "gone" ? 0 : 1) >= 2;
}

/** What can be done with the call, each with its key. */
export function CallButtons({ call, armed, onPatch, onTransfer, onKeypad }: CallButtonsProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { contact } = call;
  const held = call.state === "held";
  const mine = call.part === "holder";
  const ready = call.state !== "connecting" && mine;
  const gone = call.far_end === "gone";
  const patched = call.patch?.state === "active" || call.patch?.state === "requested";
  return (
    <footer className="call-buttons">
      <Key
        id="call-hold"
        cap="H"
        pressed={held}
        disabled={!ready || gone || busy.has("contact.hold")}
        onClick={() => void desk.run("contact.hold", { contact, on: !held })}
      >
        {held ? t("call.resume") : t("call.hold")}
      </Key>
      {patched ? (
        <Key
          id="call-unpatch"
          cap="P"
          look="button-on"
          disabled={!mine || busy.has("contact.unpatch")}
          onClick={() => void desk.run("contact.unpatch", { contact })}
        >
          {t("call.unpatch")}
        </Key>
      ) : (
        <Key id="call-patch" cap="P" disabled={!ready || gone} onClick={onPatch}>
          {t("call.patch")}
        </Key>
      )}
      <Key
        id="video-invite"
        cap="V"
        disabled={!ready || gone || busy.has("video.invite")}
        onClick={() => void desk.run("video.invite", { contact })}
      >
        {t("call.video")}
      </Key>
      <Key
        id="call-keypad"
        cap="K"
        disabled={!mine || call.far_end === "dialing" || call.far_end === "ringing"}
        onClick={onKeypad}
      >
        {t("call.keypad")}
      </Key>
      <Key id="call-transfer" cap="T" disabled={!ready || gone} onClick={onTransfer}>
        {t("call.transfer")}
      </Key>
      <Key
        id="call-leave"
        cap="G G"
        armed={armed === "leave"}
        disabled={!othersStay(call) || busy.has("contact.leave")}
        onClick={() => void desk.run("contact.leave", { contact })}
      >
        {armed === "leave" ? t("call.leave_armed") : t("call.leave")}
      </Key>
      <Key
        id="call-hangup"
        cap="L L"
        look="button-danger"
        armed={armed === "hangup"}
        disabled={busy.has("contact.hangup")}
        onClick={() => void desk.run("contact.hangup", { contact })}
      >
        {armed === "hangup" ? t("call.hangup_armed") : t(mine ? "call.hangup" : "move.quit")}
      </Key>
    </footer>
  );
}

interface KeyProps {
  id: string;
  cap: string;
  look?: string;
  pressed?: boolean;
  armed?: boolean;
  disabled: boolean;
  onClick(): void;
  children: ReactNode;
}

function Key({ id, cap, look, pressed, armed, disabled, onClick, children }: KeyProps) {
  return (
    <button
      type="button"
      className={`button ${look ?? ""}`}
      data-testid={id}
      data-armed={armed ? "yes" : "no"}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <span>{children}</span> <kbd>{cap}</kbd>
    </button>
  );
}
