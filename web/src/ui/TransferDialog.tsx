import { useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { Elsewhere } from "./Elsewhere";
import { useDesk, useDeskState, useLive } from "./hooks";
import { NumberPad } from "./NumberPad";

/**
 * The call goes elsewhere and the operator is free: to a queue of this or another room (the caller keeps the arrival
 * time), to a room, or blindly to a number. Where the carrier can take it, it may be asked to.
 */
export function TransferDialog({ call, onClose }: { call: Call; onClose(): void }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const { services } = useLive();
  const [carrier, setCarrier] = useState(false);
  const [problem, setProblem] = useState("");
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
      <Elsewhere
        queue={call.queue}
        disabled={waiting}
        onQueue={(queue) => void toQueue(queue)}
        onRoom={(room) => void toRoom(room)}
      />
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
