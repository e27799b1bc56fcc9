import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, type Http } from "../api/http";
import { type Language, LanguageProvider, useLanguage } from "../i18n/language";
import type { Word } from "../i18n/nb";
import { LanguagePicker } from "../ui/LanguagePicker";
import { CameraSender, type Facing, type SenderState } from "./sender";
import "../styles/citizen.css";

type Look = "loading" | "ready" | "refused" | "no_camera" | "stopped" | "expired" | "unreachable" | SenderState;

const POLL_MS = 5_000;

/** The page behind the link a caller gets: one button, one picture, plain words. */
export function CitizenPage({ http, token }: { http: Http; token: string }) {
  const [preferred, prefer] = useState<Language | null>(null);
  const [first, setFirst] = useState<Look>("loading");
  useEffect(() => {
    const known = (language: string) => prefer(language === "en" ? "en" : "nb");
    http.citizenState(token).then(
      ({ state, language }) => {
        setFirst(state === "open" ? "ready" : "expired");
        known(language);
      },
      (problem: unknown) => {
        setFirst(isGone(problem) ? "expired" : "unreachable");
        known(navigator.language);
      },
    );
  }, [http, token]);
  if (!preferred) return null;
  return (
    <LanguageProvider preferred={preferred}>
      <Page http={http} token={token} first={first} />
    </LanguageProvider>
  );
}

const TEXTS: Partial<Record<Look, Word>> = {
  connecting: "citizen.connecting",
  live: "citizen.live",
  lost: "citizen.lost",
  stopped: "citizen.stopped",
  expired: "citizen.expired",
  refused: "citizen.refused",
  no_camera: "citizen.no_camera",
  unreachable: "citizen.unreachable",
};

function Page({ http, token, first }: { http: Http; token: string; first: Look }) {
  const { t } = useLanguage();
  const [look, setLook] = useState<Look>(first);
  const [facing, setFacing] = useState<Facing>("environment");
  const sender = useRef<CameraSender | null>(null);
  const picture = useRef<HTMLVideoElement>(null);
  const sending = look === "connecting" || look === "live" || look === "lost";

  const stop = useCallback((then: Look) => {
    sender.current?.stop();
    sender.current = null;
    setLook(then);
  }, []);
  useEffect(() => () => sender.current?.stop(), []);
  useCallEnd(http, token, sending, () => stop("expired"));

  const start = async (side: Facing) => {
    sender.current?.stop();
    const next: CameraSender = new CameraSender({
      exchange: (sdp) => http.citizenMedia(token, sdp),
      onState: (state) => next === sender.current && setLook(state),
      onGone: () => next === sender.current && stop("expired"),
    });
    sender.current = next;
    setFacing(side);
    setLook("connecting");
    try {
      const stream = await next.start(side);
      if (picture.current) picture.current.srcObject = stream;
    } catch (problem) {
      stop(cameraProblem(problem));
    }
  };

  const word = TEXTS[look];
  return (
    <main className="citizen">
      <header className="citizen-head">
        <h1>{t("citizen.title")}</h1>
        <LanguagePicker />
      </header>
      <video
        ref={picture}
        className="citizen-picture"
        data-testid="citizen-picture"
        hidden={!sending}
        autoPlay
        playsInline
        muted
      />
      {!sending && look !== "expired" && <p>{t("citizen.intro")}</p>}
      <p className={`citizen-state citizen-${look}`} role="status" data-testid="citizen-state" data-state={look}>
        {word ? t(word) : ""}
      </p>
      {look !== "expired" && (
        <div className="citizen-buttons">
          {sending ? (
            <>
              <button type="button" className="button" onClick={() => void start(other(facing))}>
                {t("citizen.turn")}
              </button>
              <button
                type="button"
                className="button button-danger"
                data-testid="citizen-stop"
                onClick={() => stop("stopped")}
              >
                {t("citizen.stop")}
              </button>
            </>
          ) : (
            <button
              type="button"
              className="button button-primary"
              data-testid="citizen-start"
              onClick={() => void start(facing)}
            >
              {look === "stopped" ? t("citizen.again") : t("citizen.start")}
            </button>
          )}
        </div>
      )}
      {look !== "expired" && <p className="citizen-privacy">{t("citizen.privacy")}</p>}
    </main>
  );
}

/** While sending, looks now and then whether the call is still up: the camera must not outlive it. */
function useCallEnd(http: Http, token: string, sending: boolean, onEnd: () => void): void {
  const end = useRef(onEnd);
  end.current = onEnd;
  useEffect(() => {
    if (!sending) return;
    const look = () => {
      http.citizenState(token).then(
        ({ state }) => state === "expired" && end.current(),
        (problem: unknown) => isGone(problem) && end.current(),
      );
    };
    const timer = setInterval(look, POLL_MS);
    return () => clearInterval(timer);
  }, [http, token, sending]);
}

function other(facing: Facing): Facing {
  return facing === "environment" ? "user" : "environment";
}

/** 404 and 410 both mean that the link leads nowhere any more. */
export function isGone(problem: unknown): boolean {
  return problem instanceof ApiError && (problem.status === 404 || problem.status === 410);
}

function cameraProblem(problem: unknown): Look {
  const name = problem instanceof DOMException ? problem.name : "";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "no_camera" : "refused";
}
