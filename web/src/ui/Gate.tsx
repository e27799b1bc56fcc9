import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { PositionRow } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import type { App, AppState } from "../state/app";
import { Dialog } from "./Dialog";
import { LanguagePicker } from "./LanguagePicker";

/** The screens before (and after) a seat: sign-in, the choice of a position, and a seat that was lost. */

const REFRESH_MS = 3_000;

function Frame({ children, wide }: { children: ReactNode; wide?: boolean }) {
  const { t } = useLanguage();
  return (
    <main className="gate">
      <header className="gate-head">
        <span className="brand">
          <span className="brand-mark" aria-hidden="true" />
          {t("app.name")}
        </span>
        <LanguagePicker />
      </header>
      <div className={wide ? "gate-card gate-wide" : "gate-card"}>{children}</div>
    </main>
  );
}

export function Message({ text }: { text: string }) {
  return (
    <Frame>
      <p className="gate-message" role="status">
        {text}
      </p>
    </Frame>
  );
}

export function SignIn({ app, state }: { app: App; state: AppState }) {
  const { t } = useLanguage();
  const user = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => user.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void app.signIn(user.current?.value.trim() ?? "", password.current?.value ?? "");
  };
  return (
    <Frame>
      <form onSubmit={submit} className="form">
        <h1>{t("signin.title")}</h1>
        <label className="field">
          <span>{t("signin.username")}</span>
          <input ref={user} data-testid="sign-in-username" name="username" autoComplete="username" required />
        </label>
        <label className="field">
          <span>{t("signin.password")}</span>
          <input
            ref={password}
            data-testid="sign-in-password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
          />
        </label>
        <p className="form-problem" role="alert" data-testid="sign-in-problem">
          {state.problem ? errorText(t, state.problem) : ""}
        </p>
        <button type="submit" className="button button-primary" data-testid="sign-in-submit" disabled={state.busy}>
          {t("signin.submit")}
        </button>
      </form>
    </Frame>
  );
}

export function Positions({ app, state }: { app: App; state: AppState }) {
  const { t } = useLanguage();
  const [asked, ask] = useState<PositionRow | null>(null);
  const [next, standBy] = useState<PositionRow | null>(null);
  useEffect(() => {
    const timer = setInterval(() => void app.refreshPositions(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [app]);
  const mine = state.session?.user.name;
  const choose = (row: PositionRow) =>
    row.taken_by && row.taken_by !== mine ? ask(row) : app.sit(row.position, false);
  return (
    <Frame wide>
      <header className="gate-title">
        <h1>{t("seat.title")}</h1>
        <span className="muted">{mine}</span>
        <button type="button" className="button" data-testid="sign-out" onClick={() => void app.signOut()}>
          {t("top.sign_out")}
        </button>
      </header>
      <p className="form-problem" role="alert">
        {state.problem ? errorText(t, state.problem) : ""}
      </p>
      {state.positions.length === 0 && <p className="muted">{t("seat.none")}</p>}
      {byRoom(state.positions).map(([room, rows]) => (
        <section key={room} className="room">
          <h2>{rows[0]?.room_name}</h2>
          <div className="room-seats">
            {rows.map((row) => (
              <button
                key={row.position}
                type="button"
                className="seat"
                data-testid={`position-${row.position}`}
                data-taken={row.taken_by ? "yes" : "no"}
                disabled={state.busy}
                onClick={() => void choose(row)}
              >
                <strong>{row.name}</strong>
                <span>{seatText(row, mine, t)}</span>
                {row.phone && (
                  <span className="seat-phone" data-testid={`position-phone-${row.position}`}>
                    ☎ {t("phone.seat")} {t(`phone.${row.phone}`)}
                  </span>
                )}
              </button>
            ))}
          </div>
        </section>
      ))}
      {next && <StandingBy app={app} row={next} onEnd={() => standBy(null)} />}
      {asked && (
        <Dialog title={asked.name} onClose={() => ask(null)}>
          <p>{t("seat.next_question", { name: asked.taken_by ?? "" })}</p>
          <p>{t("seat.take_over_question", { name: asked.taken_by ?? "", position: asked.name })}</p>
          <footer className="dialog-foot">
            <button type="button" className="button" data-first onClick={() => ask(null)}>
              {t("dialog.cancel")}
            </button>
            <button
              type="button"
              className="button button-primary"
              data-testid="stand-by"
              onClick={() => {
                ask(null);
                void app.standBy(asked.position).then((standing) => standing && standBy(asked));
              }}
            >
              {t("seat.next")}
            </button>
            <button
              type="button"
              className="button button-danger"
              data-testid="take-over-confirm"
              onClick={() => {
                ask(null);
                void app.sit(asked.position, true);
              }}
            >
              {t("seat.take_over")}
            </button>
          </footer>
        </Dialog>
      )}
    </Frame>
  );
}

/** How often the next shift looks whether the work at the position is done. */
const LOOK_MS = 1_000;

/** The next shift waits until the one who sits there is done; then it sits down by itself. */
function StandingBy({ app, row, onEnd }: { app: App; row: PositionRow; onEnd(): void }) {
  const { t } = useLanguage();
  const end = useRef(onEnd);
  end.current = onEnd;
  const [over, setOver] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let current = true;
    const look = async () => {
      const stands = await app.lookAgain(row.position);
      if (!current) return;
      if (stands) timer = setTimeout(look, LOOK_MS);
      else setOver(true);
    };
    void look();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [app, row.position]);
  const stop = () => {
    if (!over) void app.stopStandingBy();
    end.current();
  };
  return (
    <Dialog title={row.name} onClose={stop}>
      <p role="status" data-testid="standing-by" data-over={over ? "yes" : "no"}>
        {t(over ? "seat.next_over" : "seat.next_waits", { name: row.taken_by ?? "" })}
      </p>
      <footer className="dialog-foot">
        <button type="button" className="button" data-first data-testid="stand-by-stop" onClick={stop}>
          {t(over ? "dialog.close" : "dialog.cancel")}
        </button>
      </footer>
    </Dialog>
  );
}

/** Why somebody has no seat whom nobody followed in it: whoever comes next signs in here. To take a seat back would be to
 * undo at one press what a shift lead did, and to put out whoever sat down there since. */
const OUT: ReadonlySet<string> = new Set(["forced", "signed-out"]);

export function SeatLost({ app, state }: { app: App; state: AppState }) {
  const { t } = useLanguage();
  const position = state.seat?.position;
  return (
    <Frame>
      <div className="form" role="alert" data-testid="seat-lost" data-reason={state.lostReason}>
        <h1>{t("seat.lost_title")}</h1>
        <p>{lostText(state.lostReason, t)}</p>
        <p className="form-problem">{state.problem ? errorText(t, state.problem) : ""}</p>
        {OUT.has(state.lostReason) && (
          <button
            type="button"
            className="button button-primary"
            data-testid="seat-sign-in"
            disabled={state.busy}
            onClick={() => void app.signOut()}
          >
            {t("seat.sign_in")}
          </button>
        )}
        {position && !OUT.has(state.lostReason) && state.lostReason !== "handed-over" && (
          <button
            type="button"
            className="button button-primary"
            data-testid="seat-take-back"
            disabled={state.busy}
            onClick={() => void app.sit(position, true)}
          >
            {t("seat.back")}
          </button>
        )}
        <button type="button" className="button" data-testid="seat-choose" onClick={() => void app.choose()}>
          {t("seat.choose")}
        </button>
      </div>
    </Frame>
  );
}

type T = ReturnType<typeof useLanguage>["t"];

function seatText(row: PositionRow, mine: string | undefined, t: T): string {
  if (!row.taken_by) return t("seat.free");
  return row.taken_by === mine ? t("seat.mine") : t("seat.taken", { name: row.taken_by });
}

function lostText(reason: string, t: T): string {
  switch (reason) {
    case "another-tab":
      return t("seat.lost_another_tab");
    case "taken-over":
    case "taken":
      return t("seat.lost_taken_over");
    case "signed-out":
      return t("seat.lost_signed_out");
    case "forced":
      return t("seat.lost_forced");
    case "handed-over":
      return t("seat.lost_handed_over");
    case "moved":
      return t("seat.lost_moved");
    default:
      return t("seat.lost_other", { code: reason });
  }
}

function byRoom(rows: PositionRow[]): [string, PositionRow[]][] {
  const rooms = new Map<string, PositionRow[]>();
  for (const row of rows) rooms.set(row.room, [...(rooms.get(row.room) ?? []), row]);
  return [...rooms];
}
