import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { useDesk } from "./hooks";
import { useHold } from "./useHold";

/** The call's connection to a talkgroup: which, whether it stands, who has the floor, and the caller's key. */
export function PatchStrip({ call }: { call: Call }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { contact, patch } = call;
  const hold = useHold(
    () => desk.callerTalk(contact, true),
    () => desk.callerTalk(contact, false),
  );
  if (!patch) return null;
  const word = (
    {
      requested: "call.patch_requested",
      active: "call.patched_to",
      refused: "call.patch_refused",
      removed: "call.patch_removed",
    } as const
  )[patch.state];
  return (
    <div className={`patch patch-${patch.state}`} data-testid="patch-strip" data-state={patch.state}>
      <span className="patch-name">{t(word, { name: patch.name })}</span>
      {patch.state === "active" && (
        <>
          <span className={`floor floor-${patch.floor}`} data-floor={patch.floor}>
            {patch.floor === "talking" ? t("recent.caller_track") : t(`floor.${patch.floor}`)}
          </span>
          <button type="button" className="button button-small" data-testid="patch-talk" {...hold}>
            {t("call.patch_talk")} <kbd>C</kbd>
          </button>
        </>
      )}
    </div>
  );
}
