import type { Talkgroup } from "../api/types";
import { type Translate, useLanguage } from "../i18n/language";
import { useDesk, useDeskState, useLive } from "./hooks";
import { useHold } from "./useHold";

/** The right side: each talkgroup with its talker, the floor and a key to talk. */
export function RadioPanel() {
  const { t } = useLanguage();
  const { talkgroups } = useLive();
  return (
    <section className="right panel" aria-label={t("radio.title")}>
      <h2 className="panel-title">
        {t("radio.title")} <span className="hint">{t("radio.selected")}: 1–9</span>
      </h2>
      {talkgroups.length === 0 && <p className="panel-empty">{t("radio.none")}</p>}
      <ul className="scroll groups">
        {talkgroups.map((group, index) => (
          <Group key={group.gssi} group={group} index={index} />
        ))}
      </ul>
    </section>
  );
}

function Group({ group, index }: { group: Talkgroup; index: number }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { ptt, selectedGssi, busy } = useDeskState();
  const { call } = useLive();
  const { gssi } = group;
  const selected = selectedGssi === gssi;
  const held = ptt.held === gssi;
  const patched = call?.patch?.gssi === gssi && call.patch.state === "active";
  const usable = group.attached === "attached" && group.monitored;
  const hold = useHold(
    () => {
      desk.select(gssi);
      desk.ptt.down(`button-${gssi}`, gssi);
    },
    () => desk.ptt.up(`button-${gssi}`),
  );
  return (
    <li
      className={`group ${selected ? "group-selected" : ""} ${group.monitored ? "" : "group-off"}`}
      data-testid={`tg-${gssi}`}
      data-attached={group.attached}
      data-floor={group.floor}
      data-monitored={group.monitored ? "yes" : "no"}
      data-selected={selected ? "yes" : "no"}
      data-talker={group.talker?.alias ?? ""}
    >
      <button type="button" className="group-name" aria-pressed={selected} onClick={() => desk.select(gssi)}>
        <kbd>{index < 9 ? index + 1 : "·"}</kbd>
        <span className="group-title">{group.name}</span>
        <span className="muted number">{gssi}</span>
      </button>
      <p
        className={`group-state floor floor-${group.talker ? "other" : group.floor}`}
        data-testid={`tg-floor-${gssi}`}
        title={group.cause}
      >
        {t(...floorText(group, held, patched))}
      </p>
      <meter className="group-level" min={0} max={100} value={group.talker ? group.level : 0} aria-hidden="true" />
      <button
        type="button"
        className="button button-toggle"
        data-testid={`tg-monitor-${gssi}`}
        aria-pressed={group.monitored}
        disabled={busy.has("talkgroup.monitor")}
        onClick={() => void desk.run("talkgroup.monitor", { gssi, on: !group.monitored })}
      >
        {t("radio.monitor")}
      </button>
      <button
        type="button"
        className={`button button-ptt ${held ? `ptt-held ptt-${group.floor}` : ""}`}
        data-testid={`tg-ptt-${gssi}`}
        aria-pressed={held}
        disabled={!usable && !held}
        {...hold}
      >
        {t("radio.talk")}
      </button>
    </li>
  );
}

/**
 * Who has the floor. The network grants it to the centre as one, so "talking" alone does not say whether that is this
 * operator's key, the patched caller, or a colleague.
 */
export function floorText(group: Talkgroup, held: boolean, patched: boolean): Parameters<Translate> {
  if (group.attached !== "attached") return [`radio.${group.attached}`];
  if (group.floor === "talking") return [held ? "floor.talking" : patched ? "floor.caller" : "floor.centre"];
  if (group.floor !== "free") return [`floor.${group.floor}`];
  if (group.talker) return ["floor.other", { alias: group.talker.alias || String(group.talker.issi) }];
  return ["floor.free"];
}
