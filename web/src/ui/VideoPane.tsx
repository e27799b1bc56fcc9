import { useEffect, useRef, useState } from "react";
import type { Call } from "../api/types";
import { useLanguage } from "../i18n/language";
import { VideoViewer } from "../media/viewer";
import { CopyButton } from "./CallCard";
import { useDesk } from "./hooks";

/** The citizen's video: the link to give while invited, the moving picture once live. */
export function VideoPane({ call }: { call: Call }) {
  const { t } = useLanguage();
  const { contact, video } = call;
  if (video.state === "none") return null;
  return (
    <div className="video" data-testid="video-pane" data-state={video.state}>
      {video.state === "live" ? (
        <LiveVideo contact={contact} />
      ) : (
        <div className="video-wait">
          <p role="status">{t("call.video_waiting")}</p>
          <p className="muted">{t("call.video_link")}</p>
          {video.url && (
            <p className="video-link">
              <a data-testid="video-link" href={video.url} target="_blank" rel="noreferrer">
                {video.url}
              </a>
              <CopyButton text={new URL(video.url, location.href).href} />
            </p>
          )}
        </div>
      )}
    </div>
  );
}

function LiveVideo({ contact }: { contact: string }) {
  const { t } = useLanguage();
  const desk = useDesk();
  const element = useRef<HTMLVideoElement>(null);
  const [streaming, setStreaming] = useState(false);
  useEffect(() => {
    const viewer = new VideoViewer(
      (sdp) => desk.viewVideo(contact, sdp),
      (stream) => {
        setStreaming(stream !== null);
        if (element.current) element.current.srcObject = stream;
      },
    );
    return () => viewer.stop();
  }, [desk, contact]);
  return (
    <video
      ref={element}
      className="video-live"
      data-testid="video-live"
      data-streaming={streaming ? "yes" : "no"}
      aria-label={t("call.video_live")}
      autoPlay
      playsInline
      muted
    />
  );
}
