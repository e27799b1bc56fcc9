import { useLanguage } from "../i18n/language";
import { useLive } from "./hooks";
import { useQueueTitle } from "./words";

/** Of whom somebody can be asked for: a queue, or a room. */
export interface Sought {
  id: string;
  kind: "queue" | "room";
  name: string;
  /** The queue's room; of a room nothing. */
  of: string;
  /** How many are free for the queue, where that is known here. */
  free: number | null;
}

/** The queues and rooms whose name holds the text, queues first; rooms whose people are out are not among them. */
export function useSought(text: string): Sought[] {
  const { transfer_targets, rooms, queues } = useLive();
  const queueTitle = useQueueTitle();
  const wanted = text.trim().toLowerCase();
  const found: Sought[] = [
    ...transfer_targets.map((row) => ({
      id: row.queue,
      kind: "queue" as const,
      name: queueTitle(row),
      of: row.room_name,
      free: queues.find((queue) => queue.queue === row.queue)?.available ?? null,
    })),
    ...rooms
      .filter((row) => row.state !== "evacuated")
      .map((row) => ({ id: row.room, kind: "room" as const, name: row.name, of: "", free: null })),
  ];
  return found.filter((row) => `${row.name} ${row.of}`.toLowerCase().includes(wanted));
}

interface SoughtChoiceProps {
  rows: readonly Sought[];
  /** Enter in the search asks for this one. */
  first: Sought | undefined;
  waits: boolean;
  onSeek(row: Sought): void;
}

/** Somebody of a queue or a room, whoever comes: one after the other is asked to talk first. */
export function SoughtChoice({ rows, first, waits, onSeek }: SoughtChoiceProps) {
  const { t } = useLanguage();
  return (
    <fieldset className="sought" data-testid="sought">
      <legend>{t("move.somebody_of")}</legend>
      {rows.map((row) => (
        <button
          key={`${row.kind}-${row.id}`}
          type="button"
          className="choice"
          data-testid={`seek-${row.kind}-${row.id}`}
          disabled={waits}
          title={t("move.somebody_hint")}
          onClick={() => onSeek(row)}
        >
          <strong>
            {row.name} {row === first && <kbd>Enter</kbd>}
          </strong>
          <span className="muted">
            {row.free !== null && `${t("move.free_now", { count: String(row.free) })} · `}
            {row.kind === "room" ? t("move.whole_room") : row.of}
          </span>
        </button>
      ))}
      {rows.length === 0 && <span className="muted">{t("move.no_such")}</span>}
    </fieldset>
  );
}
