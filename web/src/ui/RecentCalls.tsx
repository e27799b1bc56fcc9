import { useEffect, useRef, useState } from "react";
import { type Http, mixUrl, recordingUrl } from "../api/http";
import type { RecentCall, Track } from "../api/types";
import { errorText, useLanguage } from "../i18n/language";
import { Dialog } from "./Dialog";
import { clock, duration, phone } from "./format";
import { useDesk, useDeskState, useLive, useStore } from "./hooks";
import { RecordingGaps, TRACK_WORDS } from "./Recording";
import { useApp, useRights } from "./rights";
import { WhyButton } from "./Why";
import { partyName, useQueueTitle } from "./words";

const LIMIT = 50;

interface Playing {
  url: string;
  /** What is heard, for the player's label. */
  title: string;
}

/** The latest calls; each track alone or all of them together can be heard again. */
export function RecentCalls({ http }: { http: Http }) {
  const { t } = useLanguage();
  const { recent_version, offer } = useLive();
  const [calls, setCalls] = useState<RecentCall[]>([]);
  const [problem, setProblem] = useState("");
  const [playing, play] = useState<Playing | null>(null);
  const [explained, explain] = useState<RecentCall | null>(null);
  const [read, setRead] = useState<RecentCall | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that the list has changed
  useEffect(() => {
    let current = true;
    http.recentCalls(LIMIT).then(
      (list) => {
        if (!current) return;
        setCalls(list);
        setProblem("");
      },
      (refusal: { code?: string }) => current && setProblem(refusal.code ?? "network"),
    );
    return () => {
      current = false;
    };
  }, [http, recent_version]);

  return (
    <>
      <div className="scroll recent-scroll">
        <table className="recent" data-testid="recent-calls">
          <thead>
            <tr>
              <th>{t("recent.time")}</th>
              <th>{t("recent.queue")}</th>
              <th>{t("recent.caller")}</th>
              <th className="wide-only">{t("recent.waited")}</th>
              <th>{t("recent.length")}</th>
              <th className="wide-only">{t("recent.operator")}</th>
              <th>{t("recent.replay")}</th>
            </tr>
          </thead>
          <tbody>
            {calls.map((call) => (
              <Row
                key={call.contact}
                call={call}
                playing={playing}
                onPlay={play}
                onExplain={() => explain(call)}
                onRead={() => setRead(call)}
              />
            ))}
          </tbody>
        </table>
        {calls.length === 0 && <p className="panel-empty">{problem ? errorText(t, problem) : t("recent.none")}</p>}
      </div>
      <Replay playing={playing} />
      {read && !offer && <Transcript call={read} onClose={() => setRead(null)} />}
      {explained && !offer && <Explain http={http} call={explained} onClose={() => explain(null)} />}
    </>
  );
}

interface RowProps {
  call: RecentCall;
  playing: Playing | null;
  onPlay(playing: Playing): void;
  onExplain(): void;
  onRead(): void;
}

function Row({ call, playing, onPlay, onExplain, onRead }: RowProps) {
  const { t } = useLanguage();
  const queueTitle = useQueueTitle();
  const desk = useDesk();
  const rights = useRights();
  const { positions } = useStore(useApp().store);
  const seatName = (position: string | null) =>
    positions.find((row) => row.position === position)?.name ?? position ?? "";
  const { busy } = useDeskState();
  const { call: current, offer, phone: deskPhone } = useLive();
  const free = !current && !offer && !deskPhone?.serves && !busy.has("contact.callback");
  const number = call.caller ? phone(call.caller) : t("caller.unknown");
  const out = call.direction === "out";
  const others = call.parties.map(partyName).join(", ");
  const end_ms = call.ended_at_ms;
  // The same buttons stand in every row: each says which call it is of.
  const which = [`${clock(call.arrived_at_ms)} ${number}`, call.operator_name].filter(Boolean).join(" · ");
  const button = (key: string, url: string, label: string, testId: string, seat = "") => (
    <button
      key={key}
      type="button"
      className="button button-small"
      data-testid={testId}
      aria-label={[label, seat, which].filter(Boolean).join(" · ")}
      title={[label, seat, which].filter(Boolean).join(" · ")}
      aria-pressed={playing?.url === url}
      onClick={() => onPlay({ url, title: `${clock(call.arrived_at_ms)} ${number} · ${label}` })}
    >
      <span aria-hidden="true">▸</span> {label}
    </button>
  );
  return (
    <tr data-testid={`recent-row-${call.contact}`} className={call.answered_at_ms === null ? "recent-missed" : ""}>
      <td className="number">{clock(call.arrived_at_ms)}</td>
      <td>
        {call.kind !== "voice" && <span className="chip chip-kind">{t(`kind.${call.kind}`)}</span>} {queueTitle(call)}
      </td>
      <td>
        <span
          className={`direction direction-${call.direction}`}
          role="img"
          aria-label={out ? t("recent.out") : t("recent.in")}
          title={out ? t("recent.out") : t("recent.in")}
        >
          {out ? "↗" : "↙"}
        </span>{" "}
        <span className="number">{number}</span>
        {others && (
          <span className="recent-parties" title={others} data-testid={`recent-parties-${call.contact}`}>
            +{call.parties.length} <span className="wide-only">{others}</span>
          </span>
        )}
      </td>
      <td className="number wide-only">
        {duration((call.answered_at_ms ?? end_ms ?? call.arrived_at_ms) - call.arrived_at_ms)}
      </td>
      <td className="number" title={call.cause}>
        {call.answered_at_ms === null || end_ms === null
          ? t("recent.unanswered")
          : duration(end_ms - call.answered_at_ms)}
      </td>
      <td className="wide-only">{call.operator_name ?? "–"}</td>
      <td className="recent-tracks">
        <button
          type="button"
          className="button button-small"
          data-testid={`call-back-${call.contact}`}
          aria-label={`${t("abandoned.call_back")} · ${which}`}
          title={t("abandoned.call_back")}
          disabled={!free || !call.caller}
          onClick={() => void desk.run("contact.callback", { contact: call.contact })}
        >
          ↗ <span className="wide-only">{t("abandoned.call_back")}</span>
        </button>
        {(call.messages.length > 0 || call.text) && (
          <button
            type="button"
            className="button button-small"
            data-testid={`read-${call.contact}`}
            aria-label={`${t("chat.read")} · ${which}`}
            onClick={onRead}
          >
            {t("chat.read")}
          </button>
        )}
        <RecordingGaps gaps={call.recording_gaps ?? []} />
        {call.tracks.length === 0 && call.kind === "voice" && <span className="muted">{t("recent.no_tracks")}</span>}
        {call.tracks.length > 1 && button("mix", mixUrl(call.contact), t("recent.both"), `replay-mix-${call.contact}`)}
        {sorted(call.tracks).map((track) =>
          button(
            track.recording,
            recordingUrl(track.recording),
            trackName(track, call.tracks, t),
            `replay-${track.recording}`,
            seatName(track.position),
          ),
        )}
        <WhyButton asked={call} of={which} />
        {!rights.explain && (
          <button
            type="button"
            className="button button-small button-quiet"
            data-testid={`explain-${call.contact}`}
            aria-label={`${t("recent.explain")} · ${which}`}
            onClick={onExplain}
          >
            {t("recent.explain")}
          </button>
        )}
      </td>
    </tr>
  );
}

function sorted(tracks: Track[]): Track[] {
  const order = Object.keys(TRACK_WORDS);
  return [...tracks].sort(
    (a, b) => order.indexOf(a.label) - order.indexOf(b.label) || a.started_at_ms - b.started_at_ms,
  );
}

/** With its beginning where it is one of several: an operator after the other, or a recording that was begun again. */
function trackName(track: Track, all: readonly Track[], t: ReturnType<typeof useLanguage>["t"]): string {
  const several = all.filter((other) => other.label === track.label).length > 1;
  return several ? `${t(TRACK_WORDS[track.label])} ${clock(track.started_at_ms)}` : t(TRACK_WORDS[track.label]);
}

/** Always there, so that starting a replay moves nothing. */
function Replay({ playing }: { playing: Playing | null }) {
  const { t } = useLanguage();
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (!playing || !audio.current) return;
    audio.current.src = playing.url;
    audio.current.play().catch(() => undefined); // the controls show that it does not play, and start it by hand
  }, [playing]);
  return (
    <div className="replay">
      <span className="replay-title">{playing?.title ?? t("recent.player")}</span>
      {/* biome-ignore lint/a11y/useMediaCaption: recordings of calls have no captions */}
      <audio ref={audio} controls preload="none" data-testid="replay-audio" aria-label={t("recent.player")} />
    </div>
  );
}

/** What was written in a chat, or what an alarm said. */
function Transcript({ call, onClose }: { call: RecentCall; onClose(): void }) {
  const { t } = useLanguage();
  return (
    <Dialog title={t("chat.transcript", { who: call.caller ? phone(call.caller) : "" })} onClose={onClose} wide>
      {call.text && <p className="alarm-text">{call.text}</p>}
      <ol className="transcript" data-testid="transcript">
        {call.messages.map((message, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what was said stands in its order
          <li key={index} className={`said said-${message.by}`}>
            <span className="muted number said-at">
              {clock(message.at_ms)} {message.name}
            </span>
            <span className="said-text">{message.text}</span>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function Explain({ http, call, onClose }: { http: Http; call: RecentCall; onClose(): void }) {
  const { t } = useLanguage();
  const [sentences, setSentences] = useState<string[]>([]);
  useEffect(() => {
    http
      .explain(call.contact)
      .then(setSentences, (refusal: { code?: string }) => setSentences([errorText(t, refusal.code ?? "network")]));
  }, [http, call.contact, t]);
  return (
    <Dialog title={`${t("recent.explain")} ${call.caller ? phone(call.caller) : ""}`} onClose={onClose} wide>
      <ol className="sentences">
        {sentences.map((sentence, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the sentences are a fixed story in order
          <li key={index}>{sentence}</li>
        ))}
      </ol>
    </Dialog>
  );
}
