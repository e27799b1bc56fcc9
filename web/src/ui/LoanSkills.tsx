import { useState } from "react";
import { useLanguage } from "../i18n/language";
import { useLive } from "./hooks";
import { skillName } from "./skills";

const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;

/** Skills and their levels; null: what was typed cannot be read. */
export type Chosen = Readonly<Record<string, number>> | null;

interface Props {
  chosen: Chosen;
  onChoose(skills: Chosen): void;
}

/** What the borrowed people must be able to do: out of the catalogue, or in words where there is none. */
export function LoanSkills({ chosen, onChoose }: Props) {
  const { skills } = useLive();
  return skills.length > 0 ? (
    <Catalogue chosen={chosen ?? {}} onChoose={onChoose} />
  ) : (
    <Words chosen={chosen} onChoose={onChoose} />
  );
}

function Catalogue({ chosen, onChoose }: { chosen: NonNullable<Chosen>; onChoose(skills: Chosen): void }) {
  const { t, language } = useLanguage();
  const { skills } = useLive();
  const left = skills.filter((one) => !(one.skill in chosen));
  return (
    <fieldset className="loan-agree loan-names loan-skills" data-testid="loan-skills" aria-label={t("skill.needed")}>
      <legend>{t("skill.needed")}</legend>
      {Object.entries(chosen).map(([skill, level]) => {
        const name = skillName(skill, skills, language);
        return (
          <span key={skill} className="loan-skill">
            {name}{" "}
            <select
              data-testid={`loan-level-${skill}`}
              aria-label={t("skill.level_of", { name })}
              value={level}
              onChange={(event) => onChoose({ ...chosen, [skill]: Number(event.target.value) })}
            >
              {LEVELS.map((one) => (
                <option key={one} value={one}>
                  {t("skill.from_level", { level: one })}
                </option>
              ))}
            </select>
            <button
              type="button"
              className="button button-small button-quiet"
              data-testid={`loan-skill-drop-${skill}`}
              aria-label={t("skill.without", { name })}
              title={t("skill.without", { name })}
              onClick={() => onChoose(Object.fromEntries(Object.entries(chosen).filter(([other]) => other !== skill)))}
            >
              ×
            </button>
          </span>
        );
      })}
      {left.length > 0 && (
        <select
          data-testid="loan-skill"
          aria-label={t("skill.add")}
          value=""
          onChange={(event) => event.target.value && onChoose({ ...chosen, [event.target.value]: 1 })}
        >
          <option value="">{t("skill.add")}</option>
          {left.map((one) => (
            <option key={one.skill} value={one.skill}>
              {skillName(one.skill, skills, language)}
            </option>
          ))}
        </select>
      )}
    </fieldset>
  );
}

function Words({ chosen, onChoose }: Props) {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  return (
    <label className="field loan-skills">
      <span>{t("loan.skills")}</span>
      <input
        data-testid="loan-skills"
        maxLength={200}
        value={text}
        aria-invalid={chosen === null}
        aria-describedby={chosen === null ? "loan-skills-wrong" : undefined}
        onChange={(event) => {
          setText(event.target.value);
          onChoose(skillsOf(event.target.value));
        }}
      />
      <span id="loan-skills-wrong" className="pad-problem" role="alert">
        {chosen === null && t("loan.skills_wrong")}
      </span>
    </label>
  );
}

/** "emd 4, ger 2" as the command takes it; a skill alone is level 1. Null: it cannot be read. */
export function skillsOf(text: string): Chosen {
  const found: Record<string, number> = {};
  for (const part of text.split(",").map((one) => one.trim())) {
    if (!part) continue;
    const [, skill, level] = /^([\w.-]{1,64})(?:\s+(10|[1-9]))?$/.exec(part) ?? [];
    if (!skill) return null;
    found[skill] = Number(level ?? 1);
  }
  return found;
}
