import { useState } from "react";
import type { RoomPerson } from "../api/staff";
import type { OperatorRow } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { Move } from "./CallMoves";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive, useStore } from "./hooks";
import { whyNotAsked, whyNotGivenChat } from "./moves";
import { useApp } from "./rights";
import { type Sought, SoughtChoice, useSought } from "./SoughtChoice";
import { ACTIVITY_WORDS } from "./TopBar";
import { useFound } from "./useFound";

interface ColleagueDialogProps {
  contact: string;
  /** Who is in it already. */
  there: readonly (string | null)[];
  /** An alarm or a radio's emergency: nobody is heard in it, it can only be given. */
  giveOnly?: boolean;
  /** A chat with this citizen: it can only be given, and comes beside what the colleague does. */
  chatWith?: string | undefined;
  onClose(): void;
}

/** A colleague by name: asked first, asked into the call, or given the call at once; or somebody of a queue or a room,
 * asked first. Enter asks the first that fits, or gives what can only be given: people of the own room before queues and
 * rooms, and these before people of other rooms, who are found by name or room. */
export function ColleagueDialog({ contact, there, giveOnly: only = false, chatWith, onClose }: ColleagueDialogProps) {
  const giveOnly = only || chatWith !== undefined;
  const why = chatWith === undefined ? whyNotAsked : whyNotGivenChat;
  const { t } = useLanguage();
  const desk = useDesk();
  const { operators, me } = useLive();
  const { busy } = useDeskState();
  const [wanted, setWanted] = useState("");
  const [problem, setProblem] = useState("");
  const taken = new Set([me.operator, ...there]);
  const rows = operators
    .filter((row) => !taken.has(row.operator) && row.name.toLowerCase().includes(wanted.trim().toLowerCase()))
    .sort((a, b) => Number(why(a) !== null) - Number(why(b) !== null) || a.name.localeCompare(b.name));
  const known = new Set(operators.map((row) => row.operator));
  const others = useFound(wanted).filter((row) => !taken.has(row.operator) && !known.has(row.operator));
  const sought = useSought(wanted);
  const waits =
    busy.has("colleague.invite") ||
    busy.has("contact.transfer_operator") ||
    busy.has("contact.consult_queue") ||
    busy.has("contact.consult_room");
  const done = (outcome: { ok: true } | { ok: false; code: string }) =>
    outcome.ok ? onClose() : setProblem(outcome.code);
  const invite = async (operator: string, purpose: "consult" | "conference") =>
    done(await desk.ask("colleague.invite", { contact, operator, purpose }));
  const give = async (operator: string) =>
    done(await desk.ask("contact.transfer_operator", { contact, operator, back: true }));
  const seek = async ({ kind, id }: Sought) =>
    done(
      kind === "queue"
        ? await desk.ask("contact.consult_queue", { contact, queue: id })
        : await desk.ask("contact.consult_room", { contact, room: id }),
    );
  const own = rows.find((row) => why(row) === null);
  const firstSought = own || giveOnly ? undefined : sought[0];
  // those of other rooms come a moment later: what Enter does must not change under the finger
  const first = own ?? (firstSought ? undefined : others.find((row) => why(row) === null));
  return (
    <Dialog
      title={chatWith === undefined ? t("move.colleague_title") : t("chat.hand_title", { who: chatWith })}
      onClose={onClose}
      wide
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (waits) return;
          if (first) void (giveOnly ? give(first.operator) : invite(first.operator, "consult"));
          else if (firstSought) void seek(firstSought);
        }}
      >
        <label className="field">
          <span>{t("move.find")}</span>
          <input
            data-first
            data-testid="colleague-find"
            autoComplete="off"
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
        </label>
      </form>
      <p className="pad-problem" role="alert">
        {problem && (problem === "busy" ? t("move.not_free") : errorText(t, problem))}
      </p>
      {!giveOnly && <SoughtChoice rows={sought} first={firstSought} waits={waits} onSeek={(row) => void seek(row)} />}
      <ul className="colleagues" data-testid="colleagues">
        {[...rows, ...others].map((row) => (
          <Row
            key={row.operator}
            row={row}
            waits={waits}
            first={row === first}
            giveOnly={giveOnly}
            why={why(row)}
            chat={chatWith !== undefined}
            onInvite={invite}
            onGive={give}
          />
        ))}
        {rows.length + others.length === 0 && (
          <li className="panel-empty">{t(wanted ? "move.nobody_named" : "move.nobody")}</li>
        )}
      </ul>
      <p className="muted">
        {t(chatWith !== undefined ? "chat.hand_how" : giveOnly ? "alarm.give_how" : "move.colleague_how")}
      </p>
    </Dialog>
  );
}

interface RowProps {
  row: OperatorRow | RoomPerson;
  waits: boolean;
  /** Enter in the search asks this one. */
  first: boolean;
  giveOnly: boolean;
  why: Word | null;
  chat: boolean;
  onInvite(operator: string, purpose: "consult" | "conference"): void;
  onGive(operator: string): void;
}

function Row({ row, waits, first, giveOnly, why, chat, onInvite, onGive }: RowProps) {
  const { t } = useLanguage();
  const { positions } = useStore(useApp().store);
  const { operator } = row;
  const state =
    row.activity === "available" || why !== null ? t(`state.${row.state}`) : t(ACTIVITY_WORDS[row.activity]);
  return (
    <li className={`colleague colleague-${why ? "away" : row.activity}`} data-testid={`colleague-${operator}`}>
      <span className="colleague-who">
        <strong>{row.name}</strong>
        <span className="muted">
          {"room_name" in row
            ? row.room_name
            : (positions.find((seat) => seat.position === row.position)?.name ?? row.position)}{" "}
          · {state}
        </span>
      </span>
      {!giveOnly && (
        <>
          <Move
            id={`consult-${operator}`}
            cap={first ? "Enter" : undefined}
            why={why}
            hint="move.consult_hint"
            waits={waits}
            onClick={() => onInvite(operator, "consult")}
          >
            {t("move.consult")}
          </Move>
          <Move
            id={`conference-${operator}`}
            why={why}
            hint="move.conference_hint"
            waits={waits}
            onClick={() => onInvite(operator, "conference")}
          >
            {t("move.conference")}
          </Move>
        </>
      )}
      <Move
        id={`give-${operator}`}
        cap={first && giveOnly ? "Enter" : undefined}
        why={why}
        hint={chat ? "chat.hand_hint" : "move.give_hint"}
        waits={waits}
        onClick={() => onGive(operator)}
      >
        {t("move.give")}
      </Move>
    </li>
  );
}
