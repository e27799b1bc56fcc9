import { useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive } from "./hooks";

interface CallDialogProps {
  call: Call;
  onClose(): void;
}

/**
 * A patch lets everyone in a group hear the caller. It wants two confirmations every time: that confidentiality was
 * considered, and that the group's owner has agreed.
 */
export function PatchDialog({ call, onClose }: CallDialogProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy, selectedGssi } = useDeskState();
  const groups = useLive().talkgroups.filter((group) => group.attached === "attached");
  const [gssi, choose] = useState<number | null>(
    () => (groups.find((group) => group.gssi === selectedGssi) ?? groups[0])?.gssi ?? null,
  );
  const [privacy, setPrivacy] = useState(false);
  const [owner, setOwner] = useState(false);
  const patch = async () => {
    if (gssi === null) return;
    const args = { contact: call.contact, gssi, confirmed: privacy, owner_ok: owner };
    if (await desk.run("contact.patch", args)) onClose();
  };
  return (
    <Dialog title={t("call.patch_title")} onClose={onClose}>
      {groups.length === 0 && <p>{t("call.patch_none")}</p>}
      <fieldset className="choices">
        <legend>{t("call.patch_group")}</legend>
        {groups.map((group) => (
          <button
            key={group.gssi}
            type="button"
            className="choice"
            data-testid={`patch-talkgroup-${group.gssi}`}
            data-first={gssi === group.gssi || undefined}
            aria-pressed={gssi === group.gssi}
            onClick={() => choose(group.gssi)}
          >
            <strong>{group.name}</strong>
            <span className="muted number">{group.gssi}</span>
          </button>
        ))}
      </fieldset>
      <label className="check">
        <input
          type="checkbox"
          data-testid="patch-privacy"
          checked={privacy}
          onChange={(event) => setPrivacy(event.target.checked)}
        />
        {t("call.patch_confirm_privacy")}
      </label>
      <label className="check">
        <input
          type="checkbox"
          data-testid="patch-owner"
          checked={owner}
          onChange={(event) => setOwner(event.target.checked)}
        />
        {t("call.patch_confirm_owner")}
      </label>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t("dialog.cancel")}
        </button>
        <button
          type="button"
          className="button button-primary"
          data-testid="patch-confirm"
          disabled={gssi === null || !privacy || !owner || busy.has("contact.patch")}
          onClick={() => void patch()}
        >
          {t("call.patch_confirm")}
        </button>
      </footer>
    </Dialog>
  );
}
