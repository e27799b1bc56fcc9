import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { act } from "react";
import type { Snapshot } from "../src/api/types";
import { LanguageProvider } from "../src/i18n/language";
import type { App } from "../src/state/app";
import { Root } from "../src/ui/Root";
import { appWith, FakePeer, installBrowser, POSITIONS, SESSION, stopApps } from "./fakes";
import { NOW_MS, snapshot } from "./samples";

const LAB = {
  queues: [{ number: "113", queue: "113-oslo", name: "113 Oslo" }],
  brings: [
    { kind: "chat", queue: "chat", name: "Legevakt chat" },
    { kind: "alarm", queue: "alarm", name: "Trygghetsalarmer" },
  ],
  radios: [{ issi: 1, alias: "Ambulanse 1", gssi: 24201, emergency: "" }],
  callers: [],
  simulator: true,
};
const RECENT = [
  {
    contact: "r1",
    queue: "113-oslo",
    queue_name: "113 Oslo",
    caller: "+4799112233",
    arrived_at_ms: NOW_MS,
    answered_at_ms: NOW_MS + 4_000,
    ended_at_ms: NOW_MS + 64_000,
    operator_name: "Kari Nordmann",
    cause: "operator",
    direction: "in",
    parties: [],
    kind: "voice",
    text: "",
    messages: [],
    recording_gaps: [],
    tracks: ["radio", "caller", "operator"].map((label) => ({
      recording: `rec-${label}`,
      label,
      position: label === "operator" ? "oslo-1" : null,
      started_at_ms: NOW_MS,
      stored_ms: 60_000,
      expected_ms: 60_000,
      sha256: null,
    })),
  },
];

/** A server with a lab, one recent call and two positions. */
export const TABLE = {
  "GET /session": [200, SESSION],
  "GET /positions": [200, POSITIONS],
  "POST /position": [200, { position: "oslo-1", seat_epoch: 7 }],
  "POST /position/media": [200, { sdp: "answer" }],
  "GET /calls?limit=50": [200, RECENT],
  "GET /lab": [200, LAB],
} satisfies Parameters<typeof appWith>[0];

/** An element by its `data-testid`. */
export const id = (name: string) => screen.getByTestId(name);

export function show(app: App): void {
  render(
    <LanguageProvider>
      <Root app={app} />
    </LanguageProvider>,
  );
}

/** Gives every test of the file a fresh browser whose clock stands (timers run on), and clears up after it. */
export function eachInItsOwnBrowser(): void {
  beforeEach(() => {
    installBrowser();
    vi.setSystemTime(NOW_MS);
  });
  afterEach(() => {
    cleanup();
    stopApps();
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
}

/** A seated console that has got its snapshot, with sound up. */
export async function seatedConsole(part: Partial<Snapshot> = {}, table: Parameters<typeof appWith>[0] = TABLE) {
  const setup = appWith({ ...table });
  const user = userEvent.setup();
  await setup.app.start();
  show(setup.app);
  await user.click(id("position-oslo-1"));
  await act(() => vi.waitFor(() => expect(FakePeer.last().remote).toBe("answer")));
  let seq = 17;
  const say = (message: object) => act(async () => setup.socket().say(message));
  await say(snapshot(part));
  await act(async () => FakePeer.last().become("connected"));
  return {
    ...setup,
    user,
    event: (type: string, data: unknown) => say({ type, seq: ++seq, data }),
    last: () => setup.socket().commands.at(-1),
    reply: (body?: object) => act(async () => setup.socket().reply(body)),
  };
}
