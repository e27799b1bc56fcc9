/** What several people can do with a call, and why not now. Pure: buttons and keys ask the same. */
import type { Colleague } from "../api/moves";
import type { Call, OperatorRow } from "../api/types";
import type { Word } from "../i18n/nb";

export type Move = "park" | "colleague" | "swap" | "merge" | "complete";

/** Why the move is not possible now; null where it is. */
export function whyNot(move: Move, call: Call): Word | null {
  if (call.part !== "holder") return "move.not_holder";
  if (call.state === "connecting") return "error.not-connected";
  if (call.far_end === "gone") return "far.gone";
  const consulted = call.colleagues.find((one) => one.part === "consult");
  switch (move) {
    case "park":
      return call.colleagues.some(talks) ? "error.others-there" : null;
    case "colleague":
      return consulted ? "move.one_at_a_time" : null;
    default:
      if (!consulted) return "move.nobody_asked";
      return consulted.state === "invited" ? "move.still_rings" : null;
  }
}

/** In the call with a voice: not who only listens, nor who has not answered yet. */
function talks(one: Colleague): boolean {
  return one.state === "joined" && (one.part === "member" || one.part === "consult");
}

/** Why a colleague cannot be asked into a call now. */
export function whyNotAsked(row: Pick<OperatorRow, "position" | "state">): Word | null {
  if (row.position === null) return "move.not_seated";
  if (row.state === "unreachable") return "state.unreachable";
  if (row.state !== "idle") return `state.${row.state}`;
  return null;
}

/** Why a colleague cannot be asked for a chat now: it comes beside what they do. */
export function whyNotGivenChat(row: Pick<OperatorRow, "position" | "state" | "chat_room">): Word | null {
  if (row.position === null) return "move.not_seated";
  if (row.state !== "idle" && row.state !== "busy") return `state.${row.state}`;
  return row.chat_room > 0 ? null : "chat.no_room";
}

/** Whether this operator only listens, or speaks to the one who has the call. */
export function listensIn(call: Call): boolean {
  return call.part === "listen" || call.part === "whisper";
}

/** Colleagues who are in the call as ourselves. */
export function members(call: Call): number {
  return call.colleagues.filter((one) => one.state === "joined" && one.part === "member").length;
}
