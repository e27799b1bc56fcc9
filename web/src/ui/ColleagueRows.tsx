import type { Colleague, Search } from "../api/moves";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { duration } from "./format";
import { useDesk, useDeskState, useLive, useNow } from "./hooks";
import { useRoomName } from "./OfRoom";
import { useQueueTitle } from "./words";

function word(one: Colleague, call: Call): Word {
  if (one.state === "invited") return one.part === "consult" ? "move.rings_first" : "far.ringing";
  if (one.part === "consult" && call.part !== "holder") return "part.consult";
  if (one.part === "consult") return call.state === "held" ? "move.talks" : "move.waits";
  return `part.${one.part}`;
}

/** Colleagues in the call beside whoever has it; those this operator asked can be let go again. */
export function ColleagueRows({ call }: { call: Call }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { me, clock_offset_ms, nobody_came } = useLive();
  const { busy } = useDeskState();
  const now = useNow(clock_offset_ms);
  const mine = call.part === "holder";
  const queueTitle = useQueueTitle();
  const roomName = useRoomName();
  const of = ({ queue, queue_name, room }: Pick<Search, "queue" | "queue_name" | "room">) =>
    queue !== null ? queueTitle({ queue, queue_name: queue_name ?? "" }) : roomName(room ?? "");
  return (
    <>
      {call.search && (
        <li className="party party-ringing" data-testid="search">
          <strong className="party-name">{t("move.somebody", { of: of(call.search) })}</strong>
          <span className="party-state">{t("move.seeking", { count: String(call.search.asked) })}</span>
        </li>
      )}
      {nobody_came?.contact === call.contact && (
        <li className="party party-refused" role="status" data-testid="nobody-came" data-reason={nobody_came.reason}>
          <strong className="party-name">{t("move.somebody", { of: of(nobody_came) })}</strong>
          <span className="party-state">
            {t(nobody_came.reason === "time" ? "move.nobody_in_time" : "move.nobody_came", {
              count: String(nobody_came.asked),
            })}
          </span>
        </li>
      )}
      {!mine && (
        <li className="party party-answered" data-testid="holder">
          <strong className="party-name">{call.holder_name}</strong>
          <span className="party-state">{t("part.holder")}</span>
        </li>
      )}
      {call.colleagues
        .filter((one) => one.operator !== me.operator)
        .map((one) => (
          <li
            key={one.operator}
            className={`party party-${one.state === "invited" ? "ringing" : one.part === "consult" ? "apart" : "answered"}`}
            data-testid={`in-call-${one.operator}`}
            data-part={one.part}
            data-state={one.state}
          >
            <strong className="party-name">{one.name}</strong>
            <span className="party-state" title={t(word(one, call))}>
              {t(word(one, call))}
            </span>
            <span className="party-timer number">{duration(now - one.since_ms)}</span>
            <span className="party-buttons">
              {mine && (one.part === "consult" || one.part === "member") && (
                <button
                  type="button"
                  className="button button-small button-drop"
                  data-testid={`colleague-drop-${one.operator}`}
                  aria-label={t("move.drop_name", { name: one.name })}
                  title={t("move.drop_name", { name: one.name })}
                  disabled={busy.has("colleague.drop")}
                  onClick={() => void desk.run("colleague.drop", { contact: call.contact, operator: one.operator })}
                >
                  ✕
                </button>
              )}
            </span>
          </li>
        ))}
    </>
  );
}
