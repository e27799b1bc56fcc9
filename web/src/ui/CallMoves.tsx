import type { ReactNode } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { useDesk, useDeskState } from "./hooks";
import { listensIn, whyNot } from "./moves";
import type { Armed } from "./useActions";
import { WhyButton } from "./Why";

interface CallMovesProps {
  call: Call;
  armed: Armed["what"] | null;
  onColleague(): void;
}

/** The second row of the call: who else gets it, or joins it. Always the same buttons; those that cannot be say why. */
export function CallMoves(props: CallMovesProps) {
  return (
    <div className="call-moves" data-testid="call-moves">
      {listensIn(props.call) ? <Listening {...props} /> : <Sharing {...props} />}
      <WhyButton asked={props.call} look="why-key" cap="Y" />
    </div>
  );
}

function Sharing({ call, armed, onColleague }: CallMovesProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { contact } = call;
  return (
    <>
      <Move
        id="call-park"
        cap="S"
        why={whyNot("park", call)}
        hint="move.park_hint"
        waits={busy.has("contact.park")}
        onClick={() => void desk.run("contact.park", { contact })}
      >
        {t("move.park")}
      </Move>
      <Move
        id="call-colleague"
        cap="E"
        why={whyNot("colleague", call)}
        hint="move.colleague_hint"
        onClick={onColleague}
      >
        {t("move.colleague")}
      </Move>
      <Move
        id="consult-swap"
        cap="W"
        why={whyNot("swap", call)}
        hint="move.swap_hint"
        waits={busy.has("consult.swap")}
        onClick={() => void desk.run("consult.swap", { contact })}
      >
        {t("move.swap")}
      </Move>
      <Move
        id="consult-merge"
        cap="J J"
        armed={armed === "merge"}
        why={whyNot("merge", call)}
        hint="move.merge_hint"
        waits={busy.has("consult.merge")}
        onClick={() => void desk.run("consult.merge", { contact })}
      >
        {armed === "merge" ? t("move.again", { key: "J" }) : t("move.merge")}
      </Move>
      <Move
        id="consult-complete"
        cap="O O"
        armed={armed === "complete"}
        why={whyNot("complete", call)}
        hint="move.complete_hint"
        waits={busy.has("consult.complete")}
        onClick={() => void desk.run("consult.complete", { contact })}
      >
        {armed === "complete" ? t("move.again", { key: "O" }) : t("move.complete")}
      </Move>
    </>
  );
}

/** A shift lead in somebody's call. */
function Listening({ call, armed }: CallMovesProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { contact } = call;
  const whispers = call.part === "whisper";
  return (
    <>
      <p className="listening" role="status" data-testid="listening" data-part={call.part}>
        {t(whispers ? "lead.whispering" : "lead.listening", { name: call.holder_name })}
      </p>
      <Move
        id="call-whisper"
        cap="W"
        pressed={whispers}
        why={null}
        hint="lead.whisper_hint"
        waits={busy.has("contact.listen")}
        onClick={() => void desk.run("contact.listen", { contact, whisper: !whispers })}
      >
        {t("lead.whisper")}
      </Move>
      <Move
        id="call-take-over"
        cap="O O"
        armed={armed === "take-over"}
        why={null}
        hint="lead.take_over_hint"
        waits={busy.has("contact.take_over")}
        onClick={() => void desk.run("contact.take_over", { contact })}
      >
        {armed === "take-over" ? t("move.again", { key: "O" }) : t("lead.take_over")}
      </Move>
    </>
  );
}

interface MoveProps {
  id: string;
  cap?: string | undefined;
  /** Why it is not possible now. */
  why: Word | null;
  hint: Word;
  waits?: boolean;
  pressed?: boolean;
  armed?: boolean;
  onClick(): void;
  children: ReactNode;
}

/** A button that can be reached also while it does nothing, so that its reason can be read. */
export function Move({ id, cap, why, hint, waits, pressed, armed, onClick, children }: MoveProps) {
  const { t } = useLanguage();
  const off = why !== null || waits === true;
  return (
    <button
      type="button"
      className="button button-small"
      data-testid={id}
      data-armed={armed ? "yes" : "no"}
      aria-pressed={pressed}
      aria-disabled={off}
      title={why === null ? t(hint) : t("move.not_now", { why: t(why) })}
      onClick={() => !off && onClick()}
    >
      <span>{children}</span> {cap && <kbd>{cap}</kbd>}
    </button>
  );
}
