import { useEffect, useRef } from "react";
import { type Action, type KeyContext, keyAction, readKey } from "./keys";

interface KeyHandlers {
  context: KeyContext;
  act(action: Action): void;
  /** A key held for as long as it is down went up, or the page lost focus. */
  release(held: "ptt" | "caller-talk"): void;
}

/** Listens for the console's keys on the whole page. */
export function useKeys(handlers: KeyHandlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const action = keyAction(readKey(event), latest.current.context);
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) latest.current.act(action);
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === " ") {
        // A focused button would be pressed by the key going up.
        if (keyAction(readKey(event), latest.current.context)?.do === "ptt") event.preventDefault();
        latest.current.release("ptt");
      }
      if (event.key.toLowerCase() === "c") latest.current.release("caller-talk");
    };
    const lost = () => {
      latest.current.release("ptt");
      latest.current.release("caller-talk");
    };
    const hidden = () => {
      if (document.hidden) lost();
    };
    window.addEventListener("keydown", down, true);
    window.addEventListener("keyup", up, true);
    window.addEventListener("blur", lost);
    window.addEventListener("pagehide", lost);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      window.removeEventListener("keydown", down, true);
      window.removeEventListener("keyup", up, true);
      window.removeEventListener("blur", lost);
      window.removeEventListener("pagehide", lost);
      document.removeEventListener("visibilitychange", hidden);
      lost();
    };
  }, []);
}
