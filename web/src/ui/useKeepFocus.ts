import { useEffect, useRef } from "react";

/** So long a button may be disabled by its own command and still get the focus back. */
const PATIENCE_MS = 5_000;
const CAN_HAVE_IT = "[data-first]:not(:disabled), button:not(:disabled), input:not(:disabled), select:not(:disabled)";

interface Last {
  element: HTMLElement;
  /** The dialog or list it stands in. */
  place: Element | null;
  lost_at_ms: number | null;
}

/**
 * A button that is disabled while its command is under way, or goes with its row, drops the focus on the page, and whoever
 * works by key would begin at the top again. This gives it back: to the button, or to the first one of its dialog or list.
 * Looks after every change of `busy` and `live`; who left the button of their own accord is left alone.
 */
export function useKeepFocus(busy: unknown, live: unknown): void {
  const last = useRef<Last | null>(null);
  useEffect(() => {
    const remember = ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement)
        last.current = { element: target, place: target.closest("dialog, .scroll"), lost_at_ms: null };
    };
    const forget = () => {
      last.current = null; // a click chooses anew; what takes the focus by it is remembered
    };
    document.addEventListener("focusin", remember);
    document.addEventListener("pointerdown", forget, true);
    return () => {
      document.removeEventListener("focusin", remember);
      document.removeEventListener("pointerdown", forget, true);
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is their change that may have disabled or removed something
  useEffect(() => {
    const had = last.current;
    if (had === null || (document.activeElement !== document.body && document.activeElement !== had.element)) return;
    last.current = looked(had, Date.now());
  }, [busy, live]);
}

/** What is to be remembered further. */
function looked(had: Last, now_ms: number): Last | null {
  const { element, place, lost_at_ms } = had;
  if (!element.isConnected) {
    if (place?.isConnected) place.querySelector<HTMLElement>(CAN_HAVE_IT)?.focus();
    return null;
  }
  if (element.matches(":disabled")) {
    if (lost_at_ms === null) return { ...had, lost_at_ms: now_ms };
    return now_ms - lost_at_ms > PATIENCE_MS ? null : had;
  }
  if (document.activeElement === element) return had;
  if (lost_at_ms === null) return null;
  element.focus();
  return { ...had, lost_at_ms: null };
}
