import { useState } from "react";
import type { Card } from "../api/cards";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { Elsewhere } from "./Elsewhere";
import { useDesk, useDeskState } from "./hooks";

/** A chat, an alarm or a radio's emergency to another queue, or to the queue of an open room that is most like its
 * own, with everything that was written; the time of arrival stays. */
export function MoveDialog({ card, onClose }: { card: Card; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { contact } = card;
  const [problem, setProblem] = useState("");
  const move = async (asked: Promise<{ ok: true } | { ok: false; code: string }>) => {
    const outcome = await asked;
    if (outcome.ok) onClose();
    else setProblem(outcome.code);
  };
  return (
    <Dialog title={t("transfer.to")} onClose={onClose} wide>
      <Elsewhere
        queue={card.queue}
        disabled={busy.has("contact.transfer") || busy.has("contact.transfer_room")}
        onQueue={(queue) => void move(desk.ask("contact.transfer", { contact, queue }))}
        onRoom={(room) => void move(desk.ask("contact.transfer_room", { contact, room }))}
      />
      <p className="pad-problem" role="alert">
        {problem && errorText(t, problem)}
      </p>
    </Dialog>
  );
}
