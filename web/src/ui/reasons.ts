import type { Reason } from "../api/staff";
import type { Language, Translate } from "../i18n/language";

/** Where the organisation has no list any word is allowed: these are offered then. */
const USUAL = ["meal", "rest", "meeting", "other"] as const;

export interface Choice {
  reason: string;
  name: string;
}

/** The reasons people can choose, in the console's language. */
export function choices(reasons: readonly Reason[], language: Language, t: Translate): Choice[] {
  if (reasons.length === 0) return USUAL.map((reason) => ({ reason, name: t(`top.reason_${reason}`) }));
  return reasons.filter((one) => one.chosen).map((one) => ({ reason: one.reason, name: reasonName(one, language) }));
}

/** The name of a reason, also of one that only the server gives; a word of no list stands as it is. */
export function nameOf(reason: string, reasons: readonly Reason[], language: Language): string {
  const found = reasons.find((one) => one.reason === reason);
  return found ? reasonName(found, language) : reason;
}

function reasonName(reason: Reason, language: Language): string {
  return (language === "nb" ? reason.name_nb : reason.name_en) || reason.reason;
}
