import { useState } from "react";
import { useLanguage } from "../i18n/language";
import { FlagDialog } from "./FlagDialog";
import { phone } from "./format";
import { useDesk, useDeskState, useLive } from "./hooks";
import { useRights } from "./rights";

/** Numbers with a flag: what is said of each, by whom, until when; and lifting it, or putting another on the list. */
export function FlaggedNumbers() {
  const { t } = useLanguage();
  const desk = useDesk();
  const { flags, offer } = useLive();
  const { busy } = useDeskState();
  const { listen: mayBlock } = useRights();
  const [edited, edit] = useState<string | null>(null);
  return (
    <div className="scroll follow-up-list" data-testid="flag-list">
      <div className="room-bar">
        <button type="button" className="button button-small" data-testid="flag-new" onClick={() => edit("")}>
          ⚑ {t("flag.new")}
        </button>
        <span className="muted">{t("flag.never")}</span>
      </div>
      <table className="recent">
        <thead>
          <tr>
            <th>{t("flag.number")}</th>
            <th>{t("flag.mode")}</th>
            <th>{t("flag.reason")}</th>
            <th>{t("flag.until")}</th>
            <th className="wide-only">{t("flag.by")}</th>
            <th>{t("lead.do")}</th>
          </tr>
        </thead>
        <tbody>
          {flags.map((row) => {
            const locked = row.mode === "blocked" && !mayBlock;
            return (
              <tr key={row.number} data-testid={`flag-row-${row.number}`} data-mode={row.mode}>
                <td className="number strong">{phone(row.number)}</td>
                <td>
                  <span className={`mark mark-${row.mode}`}>{t(`flag.${row.mode}`)}</span>
                </td>
                <td className="flag-why" title={row.reason}>
                  {row.reason}
                </td>
                <td className="number">{new Date(row.until_ms).toLocaleString([], SHORT)}</td>
                <td className="wide-only">{row.by_name}</td>
                <td className="follow-up-do">
                  <button
                    type="button"
                    className="button button-small"
                    data-testid={`flag-edit-${row.number}`}
                    disabled={locked}
                    title={locked ? t("flag.only_leads") : undefined}
                    onClick={() => edit(row.number)}
                  >
                    {t("flag.edit")}
                  </button>{" "}
                  <button
                    type="button"
                    className="button button-small"
                    data-testid={`flag-lift-${row.number}`}
                    disabled={locked || busy.has("number.unflag")}
                    title={locked ? t("flag.only_leads") : undefined}
                    onClick={() => void desk.run("number.unflag", { number: row.number })}
                  >
                    {t("flag.lift")}
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {flags.length === 0 && <p className="panel-empty">{t("flag.none")}</p>}
      {edited !== null && !offer && <FlagDialog number={edited} onClose={() => edit(null)} />}
    </div>
  );
}

const SHORT: Intl.DateTimeFormatOptions = { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" };
