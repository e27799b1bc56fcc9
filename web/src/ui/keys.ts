/** Which key does what. Pure: the console asks with what it knows and carries the answer out. */

export type Action =
  | { do: "answer" | "reject" | "close" | "hold" | "hangup" | "patch" | "transfer" | "video" | "done" | "extend" }
  | { do: "leave" | "triple" | "keypad" | "add" | "dial" | "follow-up" }
  | { do: "park" | "colleague" | "swap" | "merge" | "complete" | "parked" | "why" }
  | { do: "available" | "break" | "monitor" | "help" | "ptt" | "caller-talk" }
  | { do: "take-chat" | "answer-chat" | "end-alarm" }
  | { do: "select"; index: number };

export interface KeyPress {
  key: string;
  /** Ctrl, Alt or Meta is down: the browser's or the system's business. */
  modified: boolean;
  repeat: boolean;
  /** The focus is where text is written or a value chosen. */
  typing: boolean;
  /** The focus is on a button that keeps its own Enter. */
  onButton: boolean;
  /** A dialog is open; it has its own Escape, Tab and Enter. */
  inDialog: boolean;
}

export interface KeyContext {
  offer: boolean;
  call: boolean;
  wrapUp: boolean;
  /** A chat is offered beside what is in the middle. */
  chatOffer: boolean;
  /** There are chats at this position. */
  chats: boolean;
  /** An alarm or a radio's emergency is in the middle. */
  alarm: boolean;
}

const CALL_KEYS: Record<string, Action> = {
  h: { do: "hold" },
  l: { do: "hangup" },
  p: { do: "patch" },
  t: { do: "transfer" },
  v: { do: "video" },
  c: { do: "caller-talk" },
  k: { do: "keypad" },
  n: { do: "add" },
  x: { do: "triple" },
  g: { do: "leave" },
  s: { do: "park" },
  e: { do: "colleague" },
  w: { do: "swap" },
  j: { do: "merge" },
  o: { do: "complete" },
  y: { do: "why" },
};

const SEAT_KEYS: Record<string, Action> = {
  a: { do: "available" },
  b: { do: "break" },
  m: { do: "monitor" },
  n: { do: "dial" },
  f: { do: "follow-up" },
  u: { do: "parked" },
};

/** The action of a key press, or null where the key is not ours. */
export function keyAction(press: KeyPress, context: KeyContext): Action | null {
  if (press.modified || press.inDialog || press.typing) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  // Space never presses a button here: the radio key must work wherever the focus was left.
  if (key === " ") return { do: "ptt" };
  if (press.repeat) return null;
  if (key === "?") return { do: "help" };
  if (context.offer && key === "Enter" && !press.onButton) return { do: "answer" };
  if (context.offer && key === "Escape") return { do: "reject" };
  if (context.wrapUp && key === "d") return { do: "done" };
  if (context.wrapUp && key === "+") return { do: "extend" };
  if (/^[1-9]$/.test(key)) return { do: "select", index: Number(key) - 1 };
  if (context.offer && key === "n") return null; // answer first
  if (context.chatOffer && key === "i") return { do: "take-chat" };
  if (context.chats && key === "r") return { do: "answer-chat" };
  if (context.chats && !context.call && !context.alarm && key === "e") return { do: "colleague" };
  if (context.alarm && key === "l") return { do: "end-alarm" };
  if (context.alarm && key === "e") return { do: "colleague" };
  if (context.alarm && key === "t") return { do: "transfer" };
  return (context.call ? CALL_KEYS[key] : undefined) ?? SEAT_KEYS[key] ?? null;
}

/** Reads a keyboard event as far as `keyAction` wants it. */
export function readKey(event: KeyboardEvent): KeyPress {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const typing = target?.closest("input:not([type=checkbox]), textarea, select, audio, [contenteditable]") != null;
  // A button inside the offer keeps its Enter (Reject must not answer); elsewhere Enter answers.
  const onButton = target?.closest("[data-own-enter]") != null;
  return {
    key: event.key,
    modified: event.ctrlKey || event.altKey || event.metaKey,
    repeat: event.repeat,
    typing,
    onButton,
    inDialog: document.querySelector("dialog[open]") !== null,
  };
}
