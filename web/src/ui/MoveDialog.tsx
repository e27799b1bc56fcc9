import { useState } from "react";
import type { Card } from "../api/cards";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive } from "./hooks";

/** A chat, an alarm or a radio's emergency to another queue, or to the queue of an open room that is most like its
 * own, with everything that was written; the time of arrival stays. Buttons and no list that opens: the arrow keys of a list choose at once, and what is chosen here is gone. */
export function MoveDialog({ card, onClose }: { card: Card; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { transfer_targets, rooms } = useLive();
  const { contact } = card;
  const [problem, setProblem] = useState("");
  const targets = transfer_targets.filter((target) => target.queue !== card.queue);
  const open = rooms.filter((row) => row.state === "open").sort((a, b) => a.name.localeCompare(b.name));
  const waits = busy.has("contact.transfer") || busy.has("contact.transfer_room");
  const move = async (asked: Promise<{ ok: true } | { ok: false; code: string }>) => {
    const outcome = await asked;
    if (outcome.ok) onClose();
    else setProblem(outcome.code);
  };
  return (
    <Dialog title={t("transfer.to")} onClose={onClose} wide>
      <h3>{t("transfer.queue")}</h3>
      {targets.length === 0 && <p className="muted">{t("call.transfer_none")}</p>}
      <div className="choices transfer-queues">
        {targets.map((target, index) => (
          <button
            key={target.queue}
            data-first={index === 0 || undefined}
            type="button"
            className="choice"
            data-testid={`move-to-${target.queue}`}
            disabled={waits}
            onClick={() => void move(desk.ask("contact.transfer", { contact, queue: target.queue }))}
          >
            <strong>{target.name}</strong>
            <span className="muted">{target.room_name}</span>
          </button>
        ))}
      </div>
      <h3>{t("transfer.room")}</h3>
      <div className="choices transfer-queues">
        {open.map((row) => (
          <button
            key={row.room}
            type="button"
            className="choice"
            data-testid={`move-to-room-${row.room}`}
            disabled={waits}
            onClick={() => void move(desk.ask("contact.transfer_room", { contact, room: row.room }))}
          >
            <strong>{row.name}</strong>
          </button>
        ))}
      </div>
      <p className="pad-problem" role="alert">
        {problem && errorText(t, problem)}
      </p>
    </Dialog>
  );
}
