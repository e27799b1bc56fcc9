import { useEffect, useState } from "react";
import type { RoomPerson } from "../api/staff";
import type { CommandName, Commands } from "../api/types";
import { useLanguage } from "../i18n/language";
import { useDeskState, useLive } from "./hooks";
import { type Chosen, LoanSkills } from "./LoanSkills";
import { useApp } from "./rights";
import { skillsText } from "./skills";
import { ACTIVITY_WORDS } from "./TopBar";
import { useQueueTitle } from "./words";

const MINUTES = [30, 60, 120, 240, 480] as const;

export type Ask = <N extends CommandName>(name: N, args: Commands[N]) => Promise<void>;

/** For so many people of another room, or for these by name, for so long. */
export function LoanAsk({ ask }: { ask: Ask }) {
  const { t } = useLanguage();
  const { me, rooms } = useLive();
  const { busy } = useDeskState();
  const [wantedOwn, wantOwn] = useState("");
  const own = wantedOwn || (me.leads.includes(me.room) ? me.room : (me.leads[0] ?? ""));
  const lenders = rooms.filter((row) => row.room !== own);
  const [wanted, want] = useState("");
  const [count, setCount] = useState(1);
  const [named, name] = useState<readonly string[]>([]);
  const [minutes, setMinutes] = useState<number>(60);
  const [note, setNote] = useState("");
  const [queues, setQueues] = useState<readonly string[]>([]);
  const [skills, setSkills] = useState<Chosen>({});
  const lender = wanted || (lenders[0]?.room ?? "");
  return (
    <form
      className="loan-ask"
      aria-label={t("loan.ask")}
      onSubmit={(event) => {
        event.preventDefault();
        if (skills === null) return;
        const people = { count: Math.max(count, named.length), operators: [...named] };
        void ask("loan.ask", {
          room: own,
          lender,
          ...people,
          minutes,
          queues: [...queues],
          skills: { ...skills },
          note: note.trim(),
        });
      }}
    >
      {me.leads.length > 1 && (
        <label className="field loan-to">
          <span>{t("loan.to")}</span>
          <select
            data-testid="loan-room"
            value={own}
            onChange={(event) => {
              wantOwn(event.target.value);
              want("");
              name([]);
              setQueues([]);
            }}
          >
            {me.leads.map((room) => (
              <option key={room} value={room}>
                {rooms.find((row) => row.room === room)?.name ?? room}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="field">
        <span>{t("loan.from")}</span>
        <select
          data-first
          data-testid="loan-lender"
          value={lender}
          onChange={(event) => {
            want(event.target.value);
            name([]);
          }}
        >
          {lenders.map((row) => (
            <option key={row.room} value={row.room}>
              {row.name}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t("loan.count")}</span>
        <input
          type="number"
          min={Math.max(1, named.length)}
          max={50}
          required
          data-testid="loan-count"
          value={Math.max(count, named.length)}
          onChange={(event) => setCount(Number(event.target.value))}
        />
      </label>
      <label className="field">
        <span>{t("loan.minutes")}</span>
        <select data-testid="loan-minutes" value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
          {MINUTES.map((one) => (
            <option key={one} value={one}>
              {t("loan.for", { minutes: one })}
            </option>
          ))}
        </select>
      </label>
      <LoanSkills chosen={skills} onChoose={setSkills} />
      <label className="field loan-note">
        <span>{t("loan.note")}</span>
        <input data-testid="loan-note" maxLength={100} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <button
        type="submit"
        className="button button-primary"
        data-testid="loan-ask"
        disabled={!lender || skills === null || busy.has("loan.ask")}
      >
        {t("loan.ask")}
      </button>
      <Queues room={own} chosen={queues} onChoose={setQueues} />
      <Names key={lender} room={lender} named={named} onName={name} />
    </form>
  );
}

interface QueuesProps {
  room: string;
  chosen: readonly string[];
  onChoose(queues: readonly string[]): void;
}

/** The borrowing room's queues: for some of them, or for all where none is chosen. */
function Queues({ room, chosen, onChoose }: QueuesProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const { me, queues, rooms, transfer_targets } = useLive();
  const title = rooms.find((row) => row.room === room)?.name;
  const rows =
    room === me.room ? queues : transfer_targets.filter((row) => row.room_name === title).map((row) => ({ ...row }));
  if (rows.length === 0) return null;
  return (
    <fieldset className="loan-agree loan-names" data-testid="loan-queues" aria-label={t("loan.queues")}>
      <legend>{t("loan.queues")}</legend>
      {rows.map((row) => (
        <label key={row.queue} className="check">
          <input
            type="checkbox"
            data-testid={`loan-queue-${row.queue}`}
            checked={chosen.includes(row.queue)}
            onChange={(event) =>
              onChoose(event.target.checked ? [...chosen, row.queue] : chosen.filter((one) => one !== row.queue))
            }
          />
          {queueTitle(row)}
        </label>
      ))}
    </fieldset>
  );
}

interface NamesProps {
  room: string;
  named: readonly string[];
  onName(operators: readonly string[]): void;
}

/** Who is on there: asked for by name, or anybody where none is chosen. */
function Names({ room, named, onName }: NamesProps) {
  const { t, language } = useLanguage();
  const { skills } = useLive();
  const { http } = useApp();
  const [people, setPeople] = useState<readonly RoomPerson[] | null>(null);
  useEffect(() => {
    if (!room) return;
    let gone = false;
    http.roomPeople(room).then(
      (rows) => !gone && setPeople(rows),
      () => !gone && setPeople([]),
    );
    return () => {
      gone = true;
    };
  }, [http, room]);
  return (
    <fieldset className="loan-agree loan-names" data-testid="loan-names" aria-label={t("loan.by_name")}>
      <legend>{t("loan.by_name")}</legend>
      {people?.map((row) => (
        <label key={row.operator} className="check">
          <input
            type="checkbox"
            data-testid={`borrow-${row.operator}`}
            disabled={row.on_loan}
            checked={named.includes(row.operator)}
            onChange={(event) =>
              onName(event.target.checked ? [...named, row.operator] : named.filter((one) => one !== row.operator))
            }
          />
          {row.name}{" "}
          <span className="muted">
            {row.on_loan ? t("loan.lent_already") : t(ACTIVITY_WORDS[row.activity])}
            {Object.keys(row.skills).length > 0 && ` · ${skillsText(row.skills, skills, language)}`}
          </span>
        </label>
      ))}
      {people?.length === 0 && <p className="muted">{t("loan.nobody_there")}</p>}
    </fieldset>
  );
}
