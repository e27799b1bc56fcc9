import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from "react";

/**
 * A button that acts while it is held: by pointer (captured, so that sliding off does not leave it stuck) or by Enter.
 * Letting go, losing the pointer, the focus, the window or the component all release it.
 */
export function useHold(press: () => void, release: () => void) {
  const held = useRef(false);
  const actions = useRef({ press, release });
  actions.current = { press, release };

  const down = () => {
    if (held.current) return;
    held.current = true;
    actions.current.press();
  };
  const up = useRef(() => {
    if (!held.current) return;
    held.current = false;
    actions.current.release();
  }).current;

  useEffect(() => {
    const hidden = () => {
      if (document.hidden) up();
    };
    window.addEventListener("blur", up);
    window.addEventListener("pagehide", up);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      window.removeEventListener("blur", up);
      window.removeEventListener("pagehide", up);
      document.removeEventListener("visibilitychange", hidden);
      up();
    };
  }, [up]);

  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture?.(event.pointerId);
      down();
    },
    onPointerUp: up,
    onPointerCancel: up,
    onLostPointerCapture: up,
    onBlur: up,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Enter" && !event.repeat) down();
    },
    onKeyUp: (event: KeyboardEvent) => {
      if (event.key === "Enter") up();
    },
    onContextMenu: (event: { preventDefault(): void }) => event.preventDefault(),
  };
}
