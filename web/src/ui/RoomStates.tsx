import { useEffect, useState } from "react";
import type { RoomRow } from "../api/staff";
import { useLanguage } from "../i18n/language";
import { clock } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";

const STATES = ["open", "closed", "evacuated"] as const;

/** How long a first press on closing or evacuating waits for the second, as for keys. */
const ARMED_MS = 2_000;

/** The rooms this lead has: open, closed or evacuated, and why. */
export function RoomStates() {
  const { rooms, me } = useLive();
  return (
    <div className="room-states" data-testid="room-states">
      {rooms
        .filter((row) => me.leads.includes(row.room))
        .map((row) => (
          <RoomState key={row.room} row={row} />
        ))}
    </div>
  );
}

function RoomState({ row }: { row: RoomRow }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { busy } = useDeskState();
  const [reason, setReason] = useState("");
  const [armed, arm] = useState<RoomRow["state"] | null>(null);
  useEffect(() => {
    if (armed === null) return;
    const timer = setTimeout(() => arm(null), ARMED_MS);
    return () => clearTimeout(timer);
  }, [armed]);
  const set = async (state: RoomRow["state"]) => {
    // Calls go elsewhere from then on: not by one slip.
    if (state !== "open" && armed !== state) return arm(state);
    arm(null);
    if (await desk.run("room.set", { room: row.room, state, reason: reason.trim() })) setReason("");
  };
  const said = [row.reason, row.by_name, row.since_ms && clock(row.since_ms).slice(0, 5)].filter(Boolean).join(" · ");
  return (
    <div className={`room-state room-state-${row.state}`} data-testid={`room-${row.room}`} data-state={row.state}>
      <strong>{row.name}</strong>
      <div className="segmented">
        {STATES.map((state) => (
          <button
            key={state}
            type="button"
            data-testid={`room-${row.room}-${state}`}
            aria-pressed={row.state === state}
            disabled={busy.has("room.set")}
            onClick={() => row.state !== state && void set(state)}
          >
            {armed === state ? t("room.armed") : t(`room.${state}`)}
          </button>
        ))}
      </div>
      <input
        aria-label={t("room.why", { room: row.name })}
        placeholder={t("room.why_short")}
        data-testid={`room-${row.room}-why`}
        maxLength={100}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <span className="muted room-said">{row.state === "open" ? "" : said}</span>
    </div>
  );
}
