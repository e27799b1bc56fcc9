import { useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import type { App } from "../state/app";
import { wholeCard } from "./cards";
import { clock, duration } from "./format";
import { useDesk, useDeskState, useLive, useNow, useStore } from "./hooks";
import { LanguagePicker } from "./LanguagePicker";
import { PhoneSwitch } from "./PhoneSwitch";
import { choices } from "./reasons";
import { isThere } from "./words";

export const ACTIVITY_WORDS = {
  available: "top.available",
  break: "top.break",
  "after-call-work": "top.after_call",
} as const;

const ACTIVITIES = [
  ["available", "A"],
  ["break", "B"],
  ["after-call-work", ""],
] as const;

interface TopBarProps {
  app: App;
  onHelp(): void;
  onDevices(): void;
}

export function TopBar({ app, onHelp, onDevices }: TopBarProps) {
  const { t } = useLanguage();
  const live = useLive();
  const { positions } = useStore(app.store);
  const position = positions.find((row) => row.position === live.me.position);
  return (
    <header className="top">
      <h1 className="sr-only">{t("app.name")}</h1>
      <div className="top-seat">
        <span className="brand-mark" aria-hidden="true" />
        <div className="stack">
          <strong>{position?.room_name ?? live.me.room}</strong>
          <span className="muted">{position?.name ?? live.me.position}</span>
        </div>
        <div className="stack">
          <strong data-testid="operator-name">{live.me.name}</strong>
          <MyState />
        </div>
        <ChatsCount />
        {live.server.lab && <span className="chip chip-lab">{t("app.lab")}</span>}
      </div>
      <ActivityPicker />
      <div className="top-right">
        <PhoneSwitch />
        <Links />
        <Clock />
        <LanguagePicker />
        <button type="button" className="button button-quiet" onClick={onDevices} title={t("top.devices")}>
          {t("top.devices")}
        </button>
        <button type="button" className="button button-quiet" onClick={onHelp} title={t("top.help")}>
          ?
        </button>
        <button type="button" className="button button-quiet" data-testid="stand-up" onClick={() => void app.standUp()}>
          {t("top.stand_up")}
        </button>
        <button type="button" className="button button-quiet" data-testid="sign-out" onClick={() => void app.signOut()}>
          {t("top.sign_out")}
        </button>
      </div>
    </header>
  );
}

function MyState() {
  const { t } = useLanguage();
  const { me, cards, clock_offset_ms } = useLive();
  const now = useNow(clock_offset_ms);
  const alarm = me.state === "busy" ? wholeCard(cards) : null;
  // Idle means ready only for who is available.
  const away = me.state === "idle" && me.activity !== "available";
  const look = away ? "away" : me.state;
  return (
    <span className={`my-state my-state-${look}`} data-testid="operator-state" data-state={me.state}>
      {alarm ? t(`kind.${alarm.kind}`) : away ? t(ACTIVITY_WORDS[me.activity]) : t(`state.${me.state}`)}{" "}
      <span className="number">{duration(now - me.since_ms)}</span>
    </span>
  );
}

/** Chats this operator has, of so many. */
function ChatsCount() {
  const { t } = useLanguage();
  const { chats, chats_max, chats_in_call } = useLive().me;
  if (chats_max === 0) return null;
  return (
    <span
      className={`number chats-count ${chats >= chats_max ? "chats-full" : chats === 0 ? "muted" : ""}`}
      data-testid="chats-count"
      title={t("chat.count_hint", { in_call: chats_in_call })}
    >
      {t("chat.count", { count: chats, most: chats_max })}
    </span>
  );
}

function ActivityPicker() {
  const { t, language } = useLanguage();
  const { me, reasons } = useLive();
  const { busy } = useDeskState();
  const desk = useDesk();
  const listed = choices(reasons, language, t);
  // A reason only the server gives is none to choose: the list shows none then, and Break sends none.
  const chosen = listed.some((one) => one.reason === me.reason) ? me.reason : "";
  return (
    <fieldset className="activity" aria-label={t("top.activity")} disabled={busy.has("activity.set")}>
      <div className="segmented segmented-big">
        {ACTIVITIES.map(([activity, key]) => (
          <button
            key={activity}
            type="button"
            data-testid={`activity-${activity}`}
            data-activity={activity}
            aria-pressed={me.activity === activity}
            onClick={() =>
              void desk.run("activity.set", { activity, reason: activity === "break" ? chosen : "", note: "" })
            }
          >
            {t(ACTIVITY_WORDS[activity])} {key && <kbd>{key}</kbd>}
          </button>
        ))}
      </div>
      <select
        data-testid="activity-reason"
        aria-label={t("top.break_reason")}
        value={me.activity === "break" ? chosen : ""}
        onChange={(event) => void desk.run("activity.set", { activity: "break", reason: event.target.value, note: "" })}
      >
        <option value="">{t("top.break_reason")}</option>
        {listed.map(({ reason, name }) => (
          <option key={reason} value={reason}>
            {name}
          </option>
        ))}
      </select>
    </fieldset>
  );
}

const BAD: ReadonlySet<string> = new Set(["no-microphone", "phone-away"]);

/** The two connections a seat lives by, apart: the event stream, and the sound (which outlives it). */
function Links() {
  const { t } = useLanguage();
  const { stream, sound, soundBlocked } = useDeskState();
  const { media, phone } = useLive();
  const state = phone?.serves ? (isThere(phone.state) ? "phone" : "phone-away") : soundBlocked ? "blocked" : sound;
  const word: Word = `sound.${state}`;
  const lamp = state === "up" || state === "phone" ? "open" : BAD.has(state) ? "closed" : "connecting";
  return (
    <div className="links">
      <span className={`link link-${stream}`} data-testid="stream-state" data-state={stream}>
        {t(`link.${stream}`)}
      </span>
      <span className={`link link-${lamp}`} data-testid="media-state" data-state={state} data-server={media.state}>
        {t(word)}
      </span>
    </div>
  );
}

function Clock() {
  const { clock_offset_ms } = useLive();
  return <time className="clock number">{clock(useNow(clock_offset_ms))}</time>;
}
