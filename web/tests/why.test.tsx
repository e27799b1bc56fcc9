import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Explanation } from "../src/api/moves";
import { refusal, SESSION } from "./fakes";
import { call, card, NOW_MS, offer, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const LEAD = { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } };
const PATH = "GET /contacts/r1/explanation";
const TOLD: Explanation = {
  contact: "r1",
  complete: true,
  over: true,
  known: true,
  began: true,
  rooms: ["oslo"],
  steps: [
    { at_ms: NOW_MS, after_ms: 0, text_nb: "Anropet kom.", text_en: "The call arrived.", considered: null },
    {
      at_ms: NOW_MS + 2_500,
      after_ms: 2_500,
      text_nb: "Tilbudt Kari.",
      text_en: "Offered to Kari.",
      considered: {
        able: 3,
        strategy: "most-skilled",
        nearer_first: true,
        rang_out_in: "",
        rang_out_in_name: "",
        best: [
          {
            operator: "kari",
            name: "Kari Nordmann",
            position: "oslo-1",
            room: "oslo",
            own_room: true,
            room_name: "AMK Oslo",
            position_name: "AMK Oslo 1",
            idle_since_ms: NOW_MS - 57_500,
            chosen: true,
            rank: [-1, 0, "kari"],
            merit_en: "levels 9 (emd 9)",
            merit_nb: "nivå 9 (emd 9)",
          },
        ],
        others: [{ count: 4, reason_nb: "er i en samtale", reason_en: "is in a call", names: ["Ola", "Ingrid"] }],
      },
    },
  ],
};

const lead = (answer: [number, unknown]) => ({
  ...TABLE,
  "GET /session": [200, LEAD] as [number, unknown],
  [PATH]: answer,
});

describe("why a call went where it went", () => {
  it("is told step by step with who was considered, in the console's language", async () => {
    const { user } = await seatedConsole({}, lead([200, TOLD]));
    await user.click(await screen.findByTestId("why-r1"));
    await waitFor(() => expect(id("why")).toHaveAttribute("data-state", "told"));
    const [first, second] = screen.getAllByTestId("why-step");
    expect(first).toHaveTextContent("+0.0 sAnropet kom.");
    expect(second).toHaveTextContent("+2.5 sTilbudt Kari.");
    const who = within(second as HTMLElement).getByTestId("why-who");
    expect(who).toHaveTextContent("3 kunne spørres · nærmeste sentraler først, blant dem høyest kompetanse først");
    expect(within(who).getByTestId("why-merit")).toHaveTextContent("nivå 9 (emd 9)");
    expect(
      within(who).getByRole("row", { name: /^1 Kari Nordmann ✓ valgt AMK Oslo 1 1:00 nivå 9/ }),
    ).toBeInTheDocument();
    expect(who).toHaveTextContent("og 2 til");
    expect(who).toHaveTextContent("4 er i en samtale: Ola, Ingrid …");
    expect(screen.queryByText(/hull/)).toBeNull();
  });

  it("says that rooms farther out came first where it had rung in vain", async () => {
    const steps = TOLD.steps.map((step) => ({
      ...step,
      considered: step.considered && {
        ...step.considered,
        nearer_first: false,
        rang_out_in: "oslo",
        rang_out_in_name: "AMK Oslo",
      },
    }));
    const { user } = await seatedConsole({}, lead([200, { ...TOLD, steps }]));
    await user.click(await screen.findByTestId("why-r1"));
    expect(await screen.findByTestId("why-who")).toHaveTextContent(
      "sentraler lenger ute først, fordi det ringte forgjeves i AMK Oslo, blant dem høyest kompetanse først",
    );
  });

  it("says when it cannot be told, and asks again", async () => {
    const { user, answers } = await seatedConsole({}, lead([503, refusal("unavailable")]));
    await user.click(await screen.findByTestId("why-r1"));
    expect(await screen.findByRole("alert")).toHaveTextContent("ikke tilgjengelig");
    answers[PATH] = [200, { ...TOLD, complete: false, over: false }];
    await user.click(id("why-again"));
    expect(await screen.findByText(/Journalen har et hull/)).toBeInTheDocument();
    expect(screen.getByText("Anropet er ikke over ennå.")).toBeInTheDocument();
  });

  it("says that the end is not known, where the journal does not tell it", async () => {
    const step = { at_ms: NOW_MS, after_ms: null, text_nb: "Det som mangler.", text_en: "Missing.", considered: null };
    const hole = { ...TOLD, complete: false, over: false, known: false, rooms: [], steps: [step] };
    const { user } = await seatedConsole({}, lead([200, hole]));
    await user.click(await screen.findByTestId("why-r1"));
    expect(await screen.findByText(/Hva som skjedde videre, kan ikke leses/)).toBeInTheDocument();
    expect(screen.queryByText("Anropet er ikke over ennå.")).toBeNull();
    expect(screen.getByTestId("why-step")).toHaveTextContent("Det som mangler.");
  });

  it("is one click away at whatever waits, rings or lies in a list", async () => {
    const row = { queue: "113-oslo", queue_name: "113 Oslo", class: "emergency", caller: "+4799112233" } as const;
    const left = {
      ...row,
      number: "+4799112233",
      arrived_at_ms: NOW_MS,
      ended_at_ms: NOW_MS,
      waited_ms: 1,
      attempts: 1,
    };
    const marks = {
      waiting: [waitingRow({ contact: "w1" })],
      abandoned: [
        {
          ...left,
          contact: "a1",
          claimed_by: null,
          claimed_by_name: null,
          claimed_at_ms: null,
          talking_since_ms: null,
          calls: 1,
          of_room: null,
        },
      ],
      handed_over: [
        {
          ...row,
          contact: "h1",
          since_ms: NOW_MS,
          operator: "ola",
          operator_name: "Ola Nordmann",
          parties: [],
          of_room: null,
        },
      ],
      parked: [
        {
          ...row,
          contact: "p1",
          slot: 1,
          room: "oslo",
          by: "ola",
          by_name: "Ola",
          since_ms: NOW_MS,
          recall_at_ms: NOW_MS,
          of_room: null,
        },
      ],
      offer: offer({ contact: "o1" }),
    };
    const { user, paths, socket } = await seatedConsole(marks, {
      ...lead([200, TOLD]),
      "GET /contacts/w1/explanation": [200, TOLD],
    });
    expect(await screen.findByTestId("why-waiting-w1")).toHaveAccessibleName(/^Hvorfor .+ gikk dit det gikk$/);
    expect(id("why-offer-o1")).toBeInTheDocument();
    for (const [tab, mark] of [
      ["tab-abandoned", "why-abandoned-a1"],
      ["tab-handed-over", "why-handed-over-h1"],
      ["tab-parked", "why-parked-p1"],
    ] as const) {
      await user.click(id(tab));
      expect(id(mark)).toBeInTheDocument();
    }
    id("why-waiting-w1").focus();
    await user.keyboard("{Enter}");
    expect(id("why")).toBeInTheDocument();
    expect(paths()).toContain("GET /contacts/w1/explanation");
    expect(socket().commands).toHaveLength(0);
  });

  it("is one click away at the cards of chats and alarms", async () => {
    const cards = [card({ contact: "k1", kind: "chat" }), card({ contact: "k2", kind: "alarm" })];
    const { user } = await seatedConsole(
      { cards },
      { ...lead([200, TOLD]), "GET /contacts/k1/explanation": [200, TOLD] },
    );
    expect(await screen.findByTestId("why-card-k2")).toBeInTheDocument();
    await user.click(id("why-card-k1"));
    expect(id("why")).toBeInTheDocument();
  });

  it("gives the focus back when it is closed, and gives way to an offer", async () => {
    const { user, event } = await seatedConsole({}, lead([200, TOLD]));
    const button = await screen.findByTestId("why-r1");
    await user.click(button);
    await user.click(screen.getByRole("button", { name: "Lukk" }));
    expect(screen.queryByTestId("why")).toBeNull();
    expect(button).toHaveFocus();
    await user.click(button);
    await event("offer", offer());
    expect(screen.queryByTestId("why")).toBeNull();
  });

  it("opens with Y for the call that is up", async () => {
    const { user, paths } = await seatedConsole(
      { call: call() },
      { ...lead([200, TOLD]), "GET /contacts/c1/explanation": [200, TOLD] },
    );
    await user.keyboard("y");
    expect(id("why")).toBeInTheDocument();
    expect(paths()).toContain("GET /contacts/c1/explanation");
  });

  it("is not there for others, neither as a button nor by key", async () => {
    const { user } = await seatedConsole({ call: call() });
    await screen.findByTestId("recent-row-r1");
    await user.keyboard("y");
    expect(screen.queryByTestId("why-r1")).toBeNull();
    expect(screen.queryByTestId("why-c1")).toBeNull();
    expect(screen.queryByTestId("why")).toBeNull();
  });
});
