import type { Seat } from "../api/types";

/**
 * The seat this tab holds, kept over a reload. A duplicated tab copies sessionStorage, so the seat is also a Web Lock:
 * whoever cannot get it is a copy and does not re-attach (two tabs would otherwise share one epoch).
 */

const KEY = "kak-seat";
/** A reloaded page's old document lets its locks go within a few ms. */
const LOCK_WAIT_MS = 600;

let letGo: (() => void) | null = null;

export function recallSeat(): Seat | null {
  const text = sessionStorage.getItem(KEY);
  if (!text) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const { position, seat_epoch } = value as Partial<Seat>;
    return typeof position === "string" && typeof seat_epoch === "number" ? { position, seat_epoch } : null;
  } catch {
    return null;
  }
}

/** Keeps the seat; false when another tab of this browser holds the very same one. */
export async function holdSeat(seat: Seat): Promise<boolean> {
  releaseLock();
  if (!(await lock(`kak-seat-${seat.position}-${seat.seat_epoch}`))) return false;
  sessionStorage.setItem(KEY, JSON.stringify(seat));
  return true;
}

export function forgetSeat(): void {
  sessionStorage.removeItem(KEY);
  releaseLock();
}

function releaseLock(): void {
  letGo?.();
  letGo = null;
}

function lock(name: string): Promise<boolean> {
  // Browsers offer locks to secure pages only; elsewhere there is no microphone and so no seat to copy.
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = () =>
      new Promise<void>((release) => {
        letGo = release;
        resolve(true);
      });
    navigator.locks.request(name, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held).catch(() => resolve(false));
  });
}
