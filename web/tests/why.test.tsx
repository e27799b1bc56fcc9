import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Explanation } from "../src/api/moves";
import { refusal, SESSION } from "./fakes";
import { call, NOW_MS, offer } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const LEAD = { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } };
const PATH = "GET /contacts/r1/explanation";
const TOLD: Explanation = {
  contact: "r1",
  complete: true,
  over: true,
  steps: [
    { at_ms: NOW_MS, after_ms: 0, text_nb: "Anropet kom.", text_en: "The call arrived.", considered: null },
    {
      at_ms: NOW_MS + 2_500,
      after_ms: 2_500,
      text_nb: "Tilbudt Kari.",
      text_en: "Offered to Kari.",
      considered: {
        able: 3,
        strategy: "longest-idle",
        best: [
          {
            operator: "kari",
            name: "Kari Nordmann",
            position: "oslo-1",
            room: "oslo",
            own_room: true,
            idle_since_ms: NOW_MS - 57_500,
            chosen: true,
            rank: [-1, 0, "kari"],
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
    expect(who).toHaveTextContent("3 kunne spørres (longest-idle)");
    expect(within(who).getByRole("row", { name: /^1 Kari Nordmann ✓ valgt oslo-1 1:00/ })).toBeInTheDocument();
    expect(who).toHaveTextContent("og 2 til");
    expect(who).toHaveTextContent("4 er i en samtale: Ola, Ingrid …");
    expect(screen.queryByText(/hull/)).toBeNull();
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
