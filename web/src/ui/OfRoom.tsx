import { useLanguage } from "../i18n/language";
import { useLive } from "./hooks";

/** A room as people call it. */
export function useRoomName(): (room: string) => string {
  const { rooms } = useLive();
  return (room) => rooms.find((row) => row.room === room)?.name ?? room;
}

/** For somebody on loan: that a row is the borrowing room's. Nothing at rows of the own one. */
export function OfRoom({ room }: { room: string | null }) {
  const { t } = useLanguage();
  const name = useRoomName();
  if (room === null) return null;
  return (
    <span className="mark mark-loan" title={t("loan.of_room", { room: name(room) })}>
      {name(room)}
    </span>
  );
}
