import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { nextToAnswer } from "../src/ui/cards";
import { call, card, me, NOW_MS, offer, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

const chatOffer = offer({ contact: "k9", kind: "chat", class: "normal", caller_name: "Per", text: "Hallo?" });
const said = (number: number, by: "outside" | "operator", text: string, contact = "k1") => ({
  contact,
  number,
  by,
  name: by === "operator" ? "Kari" : "",
  text,
  at_ms: NOW_MS,
});

describe("chats", () => {
  it("are offered with their text, taken by Enter, and capacity is shown", async () => {
    const { user, event, last } = await seatedConsole({ offer: chatOffer, me: me({ chats: 0, chats_max: 3 }) });
    expect(id("offer-card")).toHaveAccessibleName("Chat");
    expect(id("offer-text")).toHaveTextContent("Hallo?");
    expect(id("chats-count")).toHaveTextContent("Chat 0/3");
    await user.keyboard("{Enter}");
    expect(last()).toMatchObject({ name: "contact.accept", args: { contact: "k9", epoch: 4 } });
    await event("card", card({ contact: "k9", caller_name: "Per" }));
    await event("me", me({ chats: 1, chats_max: 3 }));
    expect(id("chat-k9")).toHaveTextContent("Per");
    expect(id("chats-count")).toHaveTextContent("Chat 1/3");
    expect(screen.queryByTestId("offer-card")).toBeNull();
  });

  it("come beside a call: I takes one, and neither Enter nor Escape touches it", async () => {
    const { user, last, socket } = await seatedConsole({ call: call(), offer: chatOffer });
    expect(id("call-card")).toBeVisible();
    expect(id("chat-offer")).toHaveTextContent("Hallo?");
    await user.keyboard("{Enter}{Escape}");
    expect(socket().commands).toHaveLength(0);
    await user.keyboard("i");
    expect(last()).toMatchObject({ name: "contact.accept", args: { contact: "k9" } });
  });

  it("are answered from the keyboard: R leads there, Enter sends, keys typed are text, Escape leaves", async () => {
    const { user, event, last, reply, socket } = await seatedConsole({ call: call(), cards: [card()] });
    await user.keyboard("r");
    await new Promise((done) => setTimeout(done, 5));
    expect(id("chat-input-k1")).toHaveFocus();
    await user.keyboard("ll, hvor er du?{Enter}");
    expect(last()).toMatchObject({ name: "contact.say", args: { contact: "k1", text: "ll, hvor er du?" } });
    expect(socket().commands).toHaveLength(1);
    expect(id("chat-input-k1")).toHaveValue("ll, hvor er du?");
    await reply();
    expect(id("chat-input-k1")).toHaveValue("");
    await event("card.message", said(2, "operator", "ll, hvor er du?"));
    expect(id("chat-k1")).toHaveTextContent("Besvart");
    await event("card.message", said(3, "outside", "Hjemme"));
    expect(within(id("chat-messages-k1")).getAllByRole("listitem")).toHaveLength(3);
    expect(id("chat-k1")).toHaveTextContent("Venter 0:");
    await user.keyboard("{Escape}");
    expect(id("chat-input-k1")).not.toHaveFocus();
  });

  it("keep what could not be sent, and say it once when it is sent again", async () => {
    const { user, last, reply, socket } = await seatedConsole({ cards: [card()] });
    await user.type(id("chat-input-k1"), "hei{Enter}");
    const first = last();
    await reply({ ok: false, code: "limit" });
    expect(id("chat-input-k1")).toHaveValue("hei");
    await user.click(id("chat-send-k1"));
    expect(last()?.args).toEqual(first?.args);
    expect(socket().commands).toHaveLength(2);
  });

  it("end by a second press, go to another queue, and leave the lists as they were", async () => {
    const { user, event, last, socket } = await seatedConsole({ cards: [card()] });
    expect(id("tab-chats")).toHaveAttribute("aria-selected", "true");
    await user.click(id("chat-end-k1"));
    expect(socket().commands).toHaveLength(0);
    await user.click(id("chat-end-k1"));
    expect(last()).toMatchObject({ name: "contact.hangup", args: { contact: "k1" } });
    await user.click(id("chat-move-k1"));
    await user.click(id("transfer-113-bergen"));
    expect(last()).toMatchObject({ name: "contact.transfer", args: { contact: "k1", queue: "113-bergen" } });
    await event("card.ended", { contact: "k1", cause: "transfer", text_nb: "", text_en: "" });
    expect(screen.queryByTestId("chat-deck")).toBeNull();
    expect(id("tab-recent")).toHaveAttribute("aria-selected", "true");
  });

  it.each([
    ["nb", "Til kø eller sentral", "Til sentral"],
    ["en", "To a queue or a room", "To a room"],
  ] as const)("go to a room that is open (%s)", async (language, title, group) => {
    const row = { since_ms: 0, by: null, by_name: null, reason: "" };
    const rooms = [
      { ...row, room: "bergen", name: "AMK Bergen", state: "open" as const },
      { ...row, room: "voss", name: "Voss", state: "evacuated" as const },
    ];
    const { user, last, reply } = await seatedConsole({ cards: [card()], rooms });
    await user.click(id(`lang-${language}`));
    await user.click(id("chat-move-k1"));
    expect(screen.getByRole("dialog", { name: title })).toHaveTextContent(group);
    expect(id("transfer-room")).not.toHaveTextContent("Voss");
    await user.selectOptions(id("transfer-room"), "AMK Bergen");
    await user.click(id("transfer-room-now"));
    expect(last()).toMatchObject({ name: "contact.transfer_room", args: { contact: "k1", room: "bergen" } });
    await reply();
    expect(screen.queryByTestId("transfer-room")).toBeNull();
  });

  it("say that nobody writes, whose turn it is, and when they end by themselves", async () => {
    const ours = card({ messages: [said(1, "operator", "Hvor lenge?")] });
    const { event } = await seatedConsole({ cards: [ours] });
    expect(screen.queryByTestId("chat-silent-k1")).toBeNull();
    await event("card", { ...ours, silent_since_ms: NOW_MS - 780_000, ends_at_ms: NOW_MS + 120_500 });
    expect(id("chat-silent-k1")).toHaveTextContent("Ingen har skrevet på 13:00. Avsluttes om 2:00 hvis ingen skriver.");
    await event("card", { ...ours, silent_since_ms: NOW_MS - 780_000 });
    expect(id("chat-silent-k1")).toHaveTextContent("Ingen har skrevet på 13:00.");
    await event("card", { ...card(), silent_since_ms: NOW_MS - 780_000 });
    expect(id("chat-silent-k1")).toHaveTextContent("Innbyggeren har ventet 13:00 på svar fra deg.");
    await event("card", card());
    expect(screen.queryByTestId("chat-silent-k1")).toBeNull();
  });

  it("keep a draft while another list is looked at", async () => {
    const { user } = await seatedConsole({ cards: [card()] });
    await user.type(id("chat-input-k1"), "halvskrevet");
    await user.click(id("tab-recent"));
    expect(id("chat-deck")).not.toBeVisible();
    await user.click(id("tab-chats"));
    expect(id("chat-input-k1")).toHaveValue("halvskrevet");
  });

  it("are answered in the order in which citizens wait", () => {
    const waits = (contact: string, at_ms: number) =>
      card({ contact, messages: [{ ...said(1, "outside", "x", contact), at_ms }] });
    const cards = [waits("a", 3), waits("b", 1), card({ contact: "c", messages: [said(1, "operator", "x", "c")] })];
    expect(nextToAnswer(cards, null)).toBe("b");
    expect(nextToAnswer(cards, "b")).toBe("a");
    expect(nextToAnswer([cards[2] ?? card()], null)).toBe("c");
    expect(nextToAnswer([], null)).toBeNull();
  });
});

describe("alarms", () => {
  const alarm = card({
    contact: "a1",
    kind: "alarm",
    class: "urgent",
    text: "Fall i stuen",
    caller_name: "Olga",
    messages: [],
  });

  it("are in the middle with their text, and done by the key pressed twice", async () => {
    const { user, last, socket } = await seatedConsole({ cards: [alarm], me: me({ state: "busy" }) });
    expect(id("alarm-text")).toHaveTextContent("Fall i stuen");
    expect(screen.queryByTestId("chat-deck")).toBeNull();
    await user.keyboard("l");
    expect(id("alarm-armed")).toBeVisible();
    expect(socket().commands).toHaveLength(0);
    await user.keyboard("l");
    expect(last()).toMatchObject({ name: "contact.hangup", args: { contact: "a1" } });
  });

  it("are offered with their area, and go to another queue by key: no arrow key sends them anywhere", async () => {
    const { user, event, last, socket } = await seatedConsole({
      offer: offer({ contact: "a1", kind: "alarm", text: "Fall", area: "0301", caller_name: "Olga" }),
    });
    expect(id("offer-card")).toHaveTextContent("Område: 0301");
    await event("offer.withdrawn", { contact: "a1", epoch: 4, reason: "accepted" });
    await event("card", alarm);
    await user.keyboard("t");
    await user.keyboard("{ArrowDown}");
    expect(socket().commands).toHaveLength(0);
    await user.click(id("transfer-113-bergen"));
    expect(last()).toMatchObject({ name: "contact.transfer", args: { contact: "a1", queue: "113-bergen" } });
  });

  it("of radios say when the key was pressed again, and when it was called off and by whom", async () => {
    const key = { presses: 2, pressed_at_ms: NOW_MS, calmed_at_ms: null, calmed_by: "" };
    const { event } = await seatedConsole({ cards: [card({ ...alarm, kind: "radio", key_pressed: key })] });
    expect(id("alarm-key")).toHaveTextContent("Utløst på nytt kl. ");
    expect(id("alarm-key")).toHaveTextContent("(2 ganger i alt)");
    await event("card", card({ ...alarm, kind: "radio", key_pressed: { ...key, calmed_at_ms: NOW_MS } }));
    expect(id("alarm-key")).toHaveTextContent("Avblåst ved radioen kl. ");
    await event(
      "card",
      card({ ...alarm, kind: "radio", key_pressed: { ...key, calmed_at_ms: NOW_MS, calmed_by: "bergen" } }),
    );
    expect(id("alarm-key")).toHaveTextContent("av bergen");
  });

  it("are given to a colleague by key: E, a part of the name, Enter", async () => {
    const { user, last } = await seatedConsole({
      cards: [alarm],
      me: me({ state: "busy" }),
      operators: [
        {
          operator: "ola",
          name: "Ola Hansen",
          position: "oslo-2",
          room: "oslo",
          activity: "available",
          state: "idle",
          since_ms: NOW_MS,
          contact: null,
          reserved: false,
          chat_room: 0,
          of_room: null,
        },
      ],
    });
    await user.keyboard("e");
    expect(id("colleague-ola")).toBeVisible();
    expect(screen.queryByTestId("consult-ola")).toBeNull();
    await user.type(id("colleague-find"), "ola{Enter}");
    expect(last()).toMatchObject({ name: "contact.transfer_operator", args: { contact: "a1", operator: "ola" } });
  });
});

it("kinds are told apart among those who wait and in the list of what is over", async () => {
  const [recent] = TABLE["GET /calls?limit=50"][1];
  const over = {
    ...recent,
    contact: "r2",
    kind: "chat",
    tracks: [],
    messages: [{ by: "outside", name: "", text: "Takk for hjelpen", at_ms: NOW_MS }],
  };
  const table = { ...TABLE, "GET /calls?limit=50": [200, [over]] } as unknown as typeof TABLE;
  const { user } = await seatedConsole({ waiting: [waitingRow({ kind: "alarm" })] }, table);
  expect(id("waiting-c1")).toHaveTextContent("Alarm");
  await user.click(id("read-r2"));
  expect(id("transcript")).toHaveTextContent("Takk for hjelpen");
});
