import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { type Answer, appWith, refusal } from "./fakes";
import { eachInItsOwnBrowser, id, show, TABLE } from "./seated";

eachInItsOwnBrowser();

const status = (state: string): Answer => [200, { state, position: "oslo-2", hand_over: null }];

async function choosing(more: Record<string, Answer | (() => Answer)>) {
  const setup = appWith({ ...TABLE, ...more });
  await setup.app.start();
  show(setup.app);
  const user = userEvent.setup();
  await user.click(id("position-oslo-2"));
  return { ...setup, user };
}

describe("the next shift", () => {
  it("waits until the work at the position is done, and is seated by itself", async () => {
    const states = ["waiting", "waiting", "ready"];
    const { user, asked, paths } = await choosing({
      "POST /position/hand-over": status("waiting"),
      "GET /position/hand-over": () => status(states.shift() ?? "ready"),
    });
    await user.click(id("stand-by"));
    expect(await screen.findByTestId("standing-by")).toHaveTextContent("Venter på at Ola Nordmann blir ferdig.");
    expect(asked.find((one) => one.path === "/position/hand-over")?.body).toEqual({ position: "oslo-2" });
    expect(paths()).not.toContain("POST /position");
    await waitFor(() => expect(paths()).toContain("POST /position"), { timeout: 4_000 });
    expect(asked.find((one) => one.path === "/position")?.body).toEqual({ position: "oslo-2", take_over: false });
    expect(screen.queryByTestId("standing-by")).toBeNull();
  });

  it("stops waiting when it wants to, and is told when it has come to nothing", async () => {
    let state = "waiting";
    const { user, paths } = await choosing({
      "POST /position/hand-over": status("waiting"),
      "GET /position/hand-over": () => status(state),
    });
    await user.click(id("stand-by"));
    await screen.findByTestId("standing-by");
    await user.click(id("stand-by-stop"));
    expect(paths()).toContain("DELETE /position/hand-over");
    expect(screen.queryByTestId("standing-by")).toBeNull();
    state = "none";
    await user.click(id("position-oslo-2"));
    await user.click(id("stand-by"));
    await waitFor(() => expect(id("standing-by")).toHaveAttribute("data-over", "yes"));
    await user.click(id("stand-by-stop"));
    expect(paths().filter((path) => path.startsWith("DELETE"))).toHaveLength(1);
  });

  it("is told why it cannot wait there", async () => {
    const { user } = await choosing({ "POST /position/hand-over": [409, refusal("empty")] });
    await user.click(id("stand-by"));
    expect(await screen.findByText("Plassen er ledig: sett deg der.")).toBeInTheDocument();
    expect(screen.queryByTestId("standing-by")).toBeNull();
  });
});
