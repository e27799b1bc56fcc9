import { useState } from "react";
import { useLanguage } from "../i18n/language";
import { useLive } from "./hooks";

interface RoomChoiceProps {
  disabled: boolean;
  onRoom(room: string): void;
}

/** The call goes to whoever is next in a room, its own included. Rooms that are shut are not offered. */
export function RoomChoice({ disabled, onRoom }: RoomChoiceProps) {
  const { t } = useLanguage();
  const { rooms } = useLive();
  const open = rooms.filter((row) => row.state === "open").sort((a, b) => a.name.localeCompare(b.name));
  const [wanted, want] = useState("");
  const room = open.some((row) => row.room === wanted) ? wanted : "";
  return (
    <form
      className="room-choice"
      onSubmit={(event) => {
        event.preventDefault();
        if (room) onRoom(room);
      }}
    >
      <label className="field">
        <span className="sr-only">{t("transfer.room")}</span>
        <select data-testid="transfer-room" value={room} onChange={(event) => want(event.target.value)}>
          <option value="">{t("transfer.choose_room")}</option>
          {open.map((row) => (
            <option key={row.room} value={row.room}>
              {row.name}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" className="button" data-testid="transfer-room-now" disabled={disabled || !room}>
        {t("transfer.now")}
      </button>
    </form>
  );
}
