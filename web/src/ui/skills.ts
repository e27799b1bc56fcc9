import type { Skill } from "../api/staff";
import type { Language } from "../i18n/language";

/** What a skill is called; one that is in no catalogue stands as it is. */
export function skillName(id: string, catalogue: readonly Skill[], language: Language): string {
  const found = catalogue.find((one) => one.skill === id);
  return (found && (language === "nb" ? found.name_nb : found.name_en)) || id;
}

/** Names and levels, the highest first: "Legevakt 8, Medisinsk nødmelding 5". */
export function skillsText(
  skills: Readonly<Record<string, number>>,
  catalogue: readonly Skill[],
  language: Language,
): string {
  return Object.entries(skills)
    .map(([id, level]) => ({ name: skillName(id, catalogue, language), level }))
    .sort((a, b) => b.level - a.level || a.name.localeCompare(b.name, language))
    .map((one) => `${one.name} ${one.level}`)
    .join(", ");
}
