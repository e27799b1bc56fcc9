import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { appWith, refusal } from "./fakes";
import { eachInItsOwnBrowser, id, seatedConsole, show, TABLE } from "./seated";

eachInItsOwnBrowser();

describe("sign-in and positions", () => {
  it("says that the password is wrong, in the language chosen", async () => {
    const { app } = appWith({
      "GET /session": [401, refusal("not-signed-in")],
      "POST /session": [401, refusal("bad-credentials")],
    });
    await app.start();
    const user = userEvent.setup();
    show(app);
    expect(id("sign-in-username")).toHaveFocus();
    await user.type(id("sign-in-username"), "kari");
    await user.type(id("sign-in-password"), "no{Enter}");
    expect(await screen.findByText("Feil brukernavn eller passord.")).toBeVisible();
    await user.click(id("lang-en"));
    expect(screen.getByText("Wrong user name or password.")).toBeVisible();
    expect(document.documentElement.lang).toBe("en");
  });

  it("asks before it takes somebody's position over", async () => {
    const { app, asked } = appWith(TABLE);
    await app.start();
    const user = userEvent.setup();
    show(app);
    await user.click(id("position-oslo-2"));
    expect(asked.some((request) => request.path === "/position")).toBe(false);
    await user.click(id("take-over-confirm"));
    expect(asked.find((request) => request.path === "/position")?.body).toEqual({
      position: "oslo-2",
      take_over: true,
    });
  });

  it("a lost seat shows why and offers it back", async () => {
    const { event, user, asked } = await seatedConsole();
    await event("seat.lost", { reason: "another-tab" });
    expect(id("seat-lost")).toHaveTextContent("Plassen ble åpnet i en annen fane.");
    await user.click(id("seat-take-back"));
    expect(asked.filter((request) => request.path === "/position").at(-1)?.body).toEqual({
      position: "oslo-1",
      take_over: true,
    });
  });
});
