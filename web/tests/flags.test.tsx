import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type appWith, SESSION } from "./fakes";
import { call, me, NOW_MS } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const flag = {
  number: "+4799887766",
  mode: "flagged" as const,
  reason: "Truer personell",
  by: "sofie",
  by_name: "Sofie Haugen",
  at_ms: NOW_MS,
  until_ms: NOW_MS + 3_600_000,
};
const LEAD = {
  ...TABLE,
  "GET /session": [200, { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } }],
} satisfies Parameters<typeof appWith>[0];

describe("numbers with a flag", () => {
  it("are put on the list from the call, with why and for how long; operators warn, leads block", async () => {
    const { user, last, reply, event } = await seatedConsole({ call: call({ caller: flag.number }) });
    await user.click(id("call-flag"));
    expect(id("flag-number")).toHaveTextContent("+47 998 87 766");
    expect(id("flag-save")).toBeDisabled();
    expect(id("flag-blocked")).toBeDisabled();
    await user.type(id("flag-reason"), "Truer personell");
    await user.selectOptions(id("flag-hours"), "168");
    await user.click(id("flag-save"));
    const args = { number: flag.number, mode: "flagged", reason: "Truer personell", hours: 168 };
    expect(last()).toMatchObject({ name: "number.flag", args });
    await reply({ ok: false, code: "limit", message: "" });
    expect(screen.getByText("Det er ikke plass til flere.")).toBeInTheDocument();
    await user.click(id("flag-save"));
    await reply();
    expect(screen.queryByTestId("flag-save")).toBeNull();
    await event("flags", [flag]);
    expect(id("tab-flags")).toHaveTextContent("1");
  });

  it("are listed and lifted; a block is a lead's to lift", async () => {
    const { user, last, event } = await seatedConsole({ flags: [flag] });
    await user.click(id("tab-flags"));
    expect(id(`flag-row-${flag.number}`)).toHaveTextContent("Truer personell");
    expect(id(`flag-row-${flag.number}`)).toHaveTextContent("Sofie Haugen");
    await user.click(id(`flag-lift-${flag.number}`));
    expect(last()).toMatchObject({ name: "number.unflag", args: { number: flag.number } });
    await event("flags", [{ ...flag, mode: "blocked" }]);
    expect(id(`flag-lift-${flag.number}`)).toBeDisabled();
    expect(id(`flag-edit-${flag.number}`)).toBeDisabled();
    await event("flags", []);
    expect(screen.getByText("Ingen numre er merket")).toBeInTheDocument();
  });

  it("are typed in by a lead, who may block them, and is told that emergencies come through", async () => {
    const { user, last } = await seatedConsole({ me: me({ leads: ["oslo"] }) }, LEAD);
    await user.click(id("tab-flags"));
    await user.click(id("flag-new"));
    await user.type(id("flag-number"), "99 88 77 66");
    await user.click(id("flag-blocked"));
    expect(screen.getByText(/Nødanrop kommer alltid fram/)).toBeInTheDocument();
    await user.type(id("flag-reason"), "Tullanrop");
    await user.click(id("flag-save"));
    const args = { number: "99 88 77 66", mode: "blocked", reason: "Tullanrop", hours: 24 };
    expect(last()).toMatchObject({ name: "number.flag", args });
  });
});
