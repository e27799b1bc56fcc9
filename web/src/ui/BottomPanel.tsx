import { useState } from "react";
import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import { useLive } from "./hooks";
import { LabPanel } from "./LabPanel";
import { Operators } from "./Operators";
import { RecentCalls } from "./RecentCalls";

const TABS = [
  ["recent", "bottom.recent"],
  ["colleagues", "bottom.colleagues"],
] as const;

/** Below: recent calls and colleagues as tabs; the lab panel beside them where there is one. */
export function BottomPanel({ app }: { app: App }) {
  const { t } = useLanguage();
  const { server } = useLive();
  const [tab, setTab] = useState<(typeof TABS)[number][0]>("recent");
  return (
    <section className="bottom" aria-label={t("bottom.recent")}>
      <div className="panel panel-grow">
        <div className="tabs" role="tablist">
          {TABS.map(([name, word]) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={tab === name}
              data-testid={`tab-${name}`}
              onClick={() => setTab(name)}
            >
              {t(word)}
            </button>
          ))}
        </div>
        {tab === "recent" ? <RecentCalls http={app.http} /> : <Operators app={app} />}
      </div>
      {server.lab && <LabPanel http={app.http} />}
    </section>
  );
}
