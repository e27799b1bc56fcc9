import { useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive } from "./hooks";
import { NumberPad } from "./NumberPad";
import { RoomChoice } from "./RoomChoice";

/**
 * The call goes elsewhere and the operator is free: to a queue of this or another room (the caller keeps the arrival
 * time), to a room, or blindly to a number. Where the carrier can take it, it may be asked to.
 */
export function TransferDialog({ call, onClose }: { call: Call; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { transfer_targets, services } = useLive();
  const [carrier, setCarrier] = useState(false);
  const [problem, setProblem] = useState("");
  const targets = transfer_targets.filter((target) => target.queue !== call.queue);
  const { contact } = call;
  const done = (outcome: { ok: true } | { ok: false; code: string }) =>
    outcome.ok ? onClose() : setProblem(outcome.code);
  const toQueue = async (queue: string) => done(await desk.ask("contact.transfer", { contact, queue }));
  const toRoom = async (room: string) => done(await desk.ask("contact.transfer_room", { contact, room }));
  const toNumber = async (number: string) => {
    const name = carrier && call.can_refer ? "contact.refer" : "contact.transfer_out";
    done(await desk.ask(name, { contact, number }));
  };
  const waiting =
    (["", "_room", "_out"] as const).some((to) => busy.has(`contact.transfer${to}`)) || busy.has("contact.refer");
  return (
    <Dialog title={t("call.transfer_title")} onClose={onClose} wide>
      <h3>{t("transfer.queue")}</h3>
      {targets.length === 0 && <p className="muted">{t("call.transfer_none")}</p>}
      <div className="choices transfer-queues">
        {targets.map((target, index) => (
          <button
            key={target.queue}
            data-first={index === 0 || undefined}
            type="button"
            className="choice"
            data-testid={`transfer-${target.queue}`}
            disabled={waiting}
            onClick={() => void toQueue(target.queue)}
          >
            <strong>{target.name}</strong>
            <span className="muted">{target.room_name}</span>
          </button>
        ))}
      </div>
      <h3>{t("transfer.room")}</h3>
      <RoomChoice disabled={waiting} onRoom={(room) => void toRoom(room)} />
      <h3>{t("transfer.number")}</h3>
      <NumberPad
        services={services}
        action={t("transfer.now")}
        disabled={waiting}
        problem={problem}
        onNumber={(number) => void toNumber(number)}
        onService={(service) => void toNumber(service.number)}
      >
        {call.can_refer ? (
          <label className="check pad-private">
            <input
              type="checkbox"
              data-testid="transfer-carrier"
              checked={carrier}
              onChange={(event) => setCarrier(event.target.checked)}
            />
            {t("transfer.carrier")}
          </label>
        ) : (
          <p className="muted pad-private">{t("transfer.blind_hint")}</p>
        )}
      </NumberPad>
    </Dialog>
  );
}
