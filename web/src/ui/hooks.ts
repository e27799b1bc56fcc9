import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { Desk, DeskState } from "../state/desk";
import type { Live } from "../state/live";
import type { Store } from "../state/store";

export function useStore<T extends object>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("useDesk outside a seat");
  return desk;
}

export function useDeskState(): DeskState {
  return useStore(useDesk().store);
}

/** What the server told this seat; the console draws nothing before the first snapshot. */
export function useLive(): Live {
  const { live } = useDeskState();
  if (!live) throw new Error("useLive before the snapshot");
  return live;
}

/** The server's clock in UTC ms, again every `period_ms`. */
export function useNow(offset_ms: number, period_ms = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), period_ms);
    return () => clearInterval(timer);
  }, [period_ms]);
  return now + offset_ms;
}
