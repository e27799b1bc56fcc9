import { createContext, useContext } from "react";
import type { App } from "../state/app";
import { useLive, useStore } from "./hooks";

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("useApp outside the page");
  return app;
}

const EXPLAIN = ["supervisor", "technician", "admin"];
const FIGURES = ["supervisor", "statistics", "statistics-people", "admin"];

/** What this person may ask for; the server checks it again. */
export interface Rights {
  /** Why a call went where it went, step by step. */
  explain: boolean;
  /** Live figures of queues. */
  figures: boolean;
  /** Leads the people of some room. */
  lead: boolean;
  /** Listens in and takes calls over. */
  listen: boolean;
}

export function useRights(): Rights {
  const roles = useStore(useApp().store).session?.user.roles ?? [];
  const { me } = useLive();
  const any = (of: readonly string[]) => of.some((role) => roles.includes(role));
  const lead = me.leads.length > 0;
  return { explain: any(EXPLAIN), figures: any(FIGURES), lead, listen: lead || any(["supervisor"]) };
}
