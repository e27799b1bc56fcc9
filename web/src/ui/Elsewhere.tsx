import { useLanguage } from "../i18n/language";
import { useLive } from "./hooks";
import { RoomChoice } from "./RoomChoice";
import { useQueueTitle } from "./words";

interface ElsewhereProps {
  /** The queue that the contact is of: it is not offered. */
  queue: string;
  disabled: boolean;
  onQueue(queue: string): void;
  onRoom(room: string): void;
}

/** Where a contact can go: to another queue of this or another room, or to whoever is next in a room. */
export function Elsewhere({ queue, disabled, onQueue, onRoom }: ElsewhereProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const targets = useLive().transfer_targets.filter((target) => target.queue !== queue);
  return (
    <>
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
            disabled={disabled}
            onClick={() => onQueue(target.queue)}
          >
            <strong>{queueTitle(target)}</strong>
            <span className="muted">{target.room_name}</span>
          </button>
        ))}
      </div>
      <h3>{t("transfer.room")}</h3>
      <RoomChoice disabled={disabled} onRoom={onRoom} />
    </>
  );
}
