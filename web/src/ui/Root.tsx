import { useLanguage } from "../i18n/language";
import type { App } from "../state/app";
import type { Desk } from "../state/desk";
import { Console } from "./Console";
import { Message, Positions, SeatLost, SignIn } from "./Gate";
import { DeskContext, useStore } from "./hooks";
import { AppContext } from "./rights";

/** Which screen the page shows. */
export function Root({ app }: { app: App }) {
  const { t } = useLanguage();
  const state = useStore(app.store);
  switch (state.phase) {
    case "starting":
      return <Message text={t("app.starting")} />;
    case "unreachable":
      return <Message text={t("app.unreachable")} />;
    case "signed-out":
      return <SignIn app={app} state={state} />;
    case "choosing":
      return <Positions app={app} state={state} />;
    case "lost":
      return <SeatLost app={app} state={state} />;
    case "seated":
      return state.desk ? <Seated app={app} desk={state.desk} /> : null;
  }
}

function Seated({ app, desk }: { app: App; desk: Desk }) {
  const { t } = useLanguage();
  const { live } = useStore(desk.store);
  if (!live) return <Message text={t("link.connecting")} />;
  return (
    <AppContext value={app}>
      <DeskContext value={desk}>
        <Console app={app} />
      </DeskContext>
    </AppContext>
  );
}
