import { useState } from "react";
import type { Forced, StaffRow } from "../api/staff";
import { errorText, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { Move } from "./CallMoves";
import { wholeCard } from "./cards";
import { Dialog } from "./Dialog";
import { useDesk, useDeskState, useLive } from "./hooks";
import { choices } from "./reasons";
import { useRights } from "./rights";
import { skillName } from "./skills";
import { TheirChats } from "./TheirChats";

const SETS: readonly (readonly [Forced["to"], Word, Word])[] = [
  ["ready", "lead.ready", "lead.ready_hint"],
  ["not-ready", "lead.not_ready", "lead.not_ready_hint"],
  ["signed-out", "lead.sign_out", "lead.sign_out_hint"],
];

/** What a shift lead can do about somebody: set them, and hear or take their call. No call is cut by it. */
export function StaffDialog({ row, onClose }: { row: StaffRow; onClose(): void }) {
  const { t, language } = useLanguage();
  const desk = useDesk();
  const { reasons, me } = useLive();
  const { busy } = useDeskState();
  const [reason, setReason] = useState("");
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const done = (outcome: { ok: true } | { ok: false; code: string }) =>
    outcome.ok ? onClose() : setProblem(outcome.code);
  const force = async (to: Forced["to"]) =>
    done(
      await desk.ask("staff.force", {
        operator: row.operator,
        to,
        reason: to === "not-ready" ? reason : "",
        note: note.trim(),
      }),
    );
  const myself = row.operator === me.operator ? "lead.yourself" : null;
  return (
    <Dialog title={row.name} onClose={onClose}>
      <TheirSkills of={row.skills} />
      <div className="staff-set" data-testid="staff-set">
        <label className="field">
          <span>{t("lead.reason")}</span>
          <select
            data-first
            data-testid="staff-reason"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          >
            <option value="">–</option>
            {choices(reasons, language, t).map((one) => (
              <option key={one.reason} value={one.reason}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("lead.note")}</span>
          <input
            data-testid="staff-note"
            maxLength={100}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        <div className="staff-buttons">
          {SETS.map(([to, word, hint]) => (
            <Move
              key={to}
              id={`force-${to}`}
              why={myself}
              hint={hint}
              waits={busy.has("staff.force")}
              onClick={() => void force(to)}
            >
              {t(word)}
            </Move>
          ))}
        </div>
        <p className="muted">{t("lead.no_cut")}</p>
      </div>
      <TheirCall row={row} onDone={done} />
      <TheirChats row={row} onDone={done} />
      <p className="pad-problem" role="alert">
        {problem && errorText(t, problem)}
      </p>
    </Dialog>
  );
}

/** What somebody can do, and how well. */
function TheirSkills({ of }: { of: StaffRow["skills"] }) {
  const { t, language } = useLanguage();
  const { skills } = useLive();
  const had = Object.entries(of).sort(([, a], [, b]) => b - a);
  return (
    <p className="their-skills" data-testid="their-skills">
      <span className="muted">{t("skill.title")}:</span> {had.length === 0 && t("skill.none")}
      {had.map(([id, level]) => (
        <span key={id} className="mark" title={skills.find((one) => one.skill === id)?.description || undefined}>
          {skillName(id, skills, language)} <b className="number">{level}</b>
        </span>
      ))}
    </p>
  );
}

/** Kinds of contacts in which nobody is heard: they are taken over, not listened to. */
const SOUNDLESS: ReadonlySet<string> = new Set(["alarm", "radio", "chat"]);

interface TheirCallProps {
  row: StaffRow;
  onDone(outcome: { ok: true } | { ok: false; code: string }): void;
}

function TheirCall({ row, onDone }: TheirCallProps) {
  const { t } = useLanguage();
  const desk = useDesk();
  const { call, cards, offer, phone, me } = useLive();
  const { busy } = useDeskState();
  const { listen } = useRights();
  if (!listen) return null;
  const contact = row.contact ?? "";
  const why = whyNot();
  const deaf = why ?? (SOUNDLESS.has(row.contact_kind ?? "voice") ? "lead.no_sound" : null);
  const waits = busy.has("contact.listen") || busy.has("contact.take_over");
  const enter = async (whisper: boolean) => onDone(await desk.ask("contact.listen", { contact, whisper }));
  const take = async () => onDone(await desk.ask("contact.take_over", { contact }));
  function whyNot(): Word | null {
    if (row.operator === me.operator) return "lead.yourself";
    if (row.contact === null || row.state !== "busy") return "lead.no_call";
    if (call || wholeCard(cards)) return "error.busy";
    if (offer) return "parked.offered";
    if (phone?.serves) return "error.use-phone";
    return me.state === "unreachable" ? "error.no-media" : null;
  }
  return (
    <div className="staff-buttons" data-testid="their-call">
      <Move id="lead-listen" why={deaf} hint="lead.listen_hint" waits={waits} onClick={() => void enter(false)}>
        {t("lead.listen")}
      </Move>
      <Move id="lead-whisper" why={deaf} hint="lead.whisper_hint" waits={waits} onClick={() => void enter(true)}>
        {t("lead.whisper")}
      </Move>
      <Move id="lead-take-over" why={why} hint="lead.take_over_hint" waits={waits} onClick={() => void take()}>
        {t("lead.take_over")}
      </Move>
    </div>
  );
}
