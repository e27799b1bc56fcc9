import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Http } from "./api/http";
import type { SocketLike } from "./api/stream";
import { LanguageProvider } from "./i18n/language";
import "./styles/base.css";

const root = createRoot(document.getElementById("root") as HTMLElement);
const citizen = /^\/v\/([^/]+)\/?$/.exec(location.pathname);

/** One build, two pages: the citizen's phone loads nothing of the console. */
async function start(): Promise<void> {
  if (citizen?.[1]) {
    const { CitizenPage } = await import("./citizen/CitizenPage");
    root.render(<CitizenPage http={new Http()} token={decodeURIComponent(citizen[1])} />);
    return;
  }
  const [{ App }, { Root }, { exposeDebug }] = await Promise.all([
    import("./state/app"),
    import("./ui/Root"),
    import("./debug"),
    import("./styles/console.css"),
  ]);
  const raw = new URLSearchParams(location.search).get("raw") === "1";
  const app = new App(new Http(), raw, openSocket);
  exposeDebug(app);
  root.render(
    <StrictMode>
      <LanguageProvider>
        <Root app={app} />
      </LanguageProvider>
    </StrictMode>,
  );
  await app.start();
}

/** Tells the server's side of a reconnect from a second tab; nothing secret, and needed without https, too. */
const TAB = Math.random().toString(36).slice(2);

function openSocket(seatEpoch: number, after: number | null): SocketLike {
  const query = new URLSearchParams({ seat_epoch: String(seatEpoch), batch: "1", tab: TAB });
  if (after !== null) query.set("after", String(after));
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(`${scheme}//${location.host}/api/v1/events?${query}`) as SocketLike;
}

void start();
