import type { App } from "./state/app";

/**
 * `window.__kak`: what a support engineer or a test may look at, in every build. Read-only views; nothing here changes
 * the console. Streams are what the PeerConnection delivers, before any loudspeaker.
 */
export interface KakDebug {
  readonly headsetStream: MediaStream | null;
  readonly speakerStream: MediaStream | null;
  readonly micTrack: MediaStreamTrack | null;
  readonly pc: RTCPeerConnection | null;
  /** A copy of what the console knows, without secrets (the session's token is not in it). */
  state(): unknown;
}

declare global {
  interface Window {
    __kak?: KakDebug;
  }
}

export function exposeDebug(app: App): void {
  const media = () => app.store.get().desk?.media;
  window.__kak = Object.freeze({
    get headsetStream() {
      return media()?.headsetStream ?? null;
    },
    get speakerStream() {
      return media()?.speakerStream ?? null;
    },
    get micTrack() {
      return media()?.micTrack ?? null;
    },
    get pc() {
      return media()?.pc ?? null;
    },
    state: () => {
      const { phase, session, seat, desk, lostReason } = app.store.get();
      const seen = desk?.store.get();
      return structuredClone({ phase, user: session?.user ?? null, seat, lostReason, desk: seen ?? null });
    },
  });
}
