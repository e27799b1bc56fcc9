import type { ContactClass } from "../api/types";

/** `4:07`, or `1:02:09` from an hour on; never negative (clocks differ by some ms). */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const h = Math.floor(seconds / 3_600);
  const m = Math.floor((seconds % 3_600) / 60);
  const s = String(seconds % 60).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

/** Whole seconds left until `until_ms`, rounded up so that it shows 0 only when it is over. */
export function secondsLeft(until_ms: number, now_ms: number): number {
  return Math.max(0, Math.ceil((until_ms - now_ms) / 1_000));
}

export type AgeLevel = "ok" | "warn" | "late";

/** From when a waiting contact is marked, in seconds by class: half of its answering target, and the target. */
const AGE_LIMITS_S: Record<ContactClass, readonly [number, number]> = {
  emergency: [5, 10],
  urgent: [30, 60],
  normal: [60, 120],
};

export function ageLevel(kind: ContactClass, age_ms: number): AgeLevel {
  const [warn_s, late_s] = AGE_LIMITS_S[kind];
  if (age_ms >= late_s * 1_000) return "late";
  return age_ms >= warn_s * 1_000 ? "warn" : "ok";
}

export function clock(ms: number): string {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

/** Degrees with five decimals (about a metre). */
export function coordinates(latitude: number, longitude: number): string {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
}

/** `+4799112233` as `+47 991 12 233`; anything that is not a Norwegian number is left alone. */
export function phone(number: string): string {
  const match = /^(?:\+47|0047)(\d{8})$/.exec(number);
  const digits = match?.[1];
  if (!digits) return number;
  const mobile = digits.startsWith("4") || digits.startsWith("9");
  const grouped = mobile
    ? `${digits.slice(0, 3)} ${digits.slice(3, 5)} ${digits.slice(5)}`
    : (digits.match(/../g) ?? []).join(" ");
  return `+47 ${grouped}`;
}
