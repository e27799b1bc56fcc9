import { screen, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { SESSION } from "./fakes";
import { abandoned, call, card, me, NOW_MS, offer, snapshot, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole, TABLE } from "./seated";

eachInItsOwnBrowser();

/** What everything below is of: messages name it in bokmål. */
const of = { queue: "lv", queue_name: "Legevakten", class: "normal" } as const;
const TARGET = { queue: "lv", name: "Legevakten", name_en: "Urgent care", room_name: "AMK Oslo" };
const OTHER = { queue: "113-oslo", name: "Nødtelefon", name_en: "Emergency line", room_name: "AMK Oslo" };
const [row] = snapshot().queues;
if (!row) throw new Error("no queue in the samples");
const queues = [{ ...row, queue: "lv", name: "Legevakten" }];
const rooms = [{ room: "oslo", name: "AMK Oslo", state: "open", reason: "", by: null, by_name: null, since_ms: null }];
const TARGETS = { queues, transfer_targets: [TARGET, OTHER], rooms: rooms as never };
const follow = { contact: "f1", caller: "+4799112233", of_room: null, since_ms: NOW_MS };
const recent = TABLE["GET /calls?limit=50"][1].map((one) => ({ ...one, ...of }));
const figures = { key: "lv", room: "oslo", waiting: 2, today: {}, goal_percent: 80, threshold_ms: 120_000 };
const LEAD = { ...SESSION, user: { ...SESSION.user, roles: ["operator", "supervisor"] } };
const BOOK: Parameters<typeof seatedConsole>[1] = {
  ...TABLE,
  "GET /session": [200, LEAD],
  "GET /calls?limit=50": [200, recent],
  "GET /lab": [200, { ...TABLE["GET /lab"][1], queues: [{ number: "116117", queue: "lv", name: "Legevakten" }] }],
  "GET /statistics/live?by=queue": [200, { at_ms: NOW_MS, complete: true, rows: [figures] }],
};
const search = { queue: "lv", queue_name: "Legevakten", room: null, asked: 2, until_ms: NOW_MS + 9_000 };

/** The console in English, whole: what is on the screen, in titles, in names for screen readers, in the tab's title. */
async function english(part: Parameters<typeof seatedConsole>[0]) {
  localStorage.setItem("kak-language", "en");
  return seatedConsole({ me: me({ leads: ["oslo"] }), ...TARGETS, ...part }, BOOK);
}

async function isSaid(where: string): Promise<void> {
  await vi.waitFor(() => expect(id(where)).toHaveTextContent("Urgent care"));
  expect(document.documentElement.outerHTML).not.toMatch(/Legevakten|Nødtelefon/);
}

describe("in English a queue has its English name", () => {
  it("in the list of queues and of who waits", async () => {
    await english({ waiting: [waitingRow(of)] });
    await isSaid("queue-lv");
    await isSaid("waiting-c1");
    expect(id("waiting-c1").querySelector(".waiting-what")).toHaveAttribute("title", "Urgent care · Normal");
  });

  it("on an offer, in what is announced and in the tab's title", async () => {
    const { event } = await english({});
    await event("offer", offer(of));
    await isSaid("offer-card");
    expect(document.querySelector("[aria-live=assertive]")).toHaveTextContent("Urgent care");
  });

  it("on a call's card, where somebody is sought, and in the paper work after it", async () => {
    const { event } = await english({ call: call({ ...of, search }) });
    await isSaid("call-card");
    await isSaid("search");
    await event("consult.nobody", { contact: "c1", reason: "time", ...search });
    await event("call", call(of));
    await isSaid("nobody-came");
    await event("call.ended", { contact: "c1", cause: "operator", text_nb: "", text_en: "" });
    await event("me", me({ state: "wrap-up", wrap_up_until_ms: NOW_MS + 9_000 }));
    await isSaid("wrap-up");
  });

  it("where a call can go, and of whom somebody can be asked for", async () => {
    const { user } = await english({ call: call({ ...of, queue: "113-oslo", queue_name: "Nødtelefon" }) });
    await user.keyboard("t");
    await isSaid("transfer-lv");
    await user.click(screen.getByRole("button", { name: "Close" }));
    await user.keyboard("e");
    await isSaid("seek-queue-lv");
    await user.type(id("colleague-find"), "urgent");
    expect(within(id("sought")).getAllByRole("button")).toHaveLength(1);
  });

  it("on the cards of chats and alarms", async () => {
    const { event } = await english({ cards: [card(of), card({ ...of, contact: "k2", kind: "alarm" })] });
    await isSaid("chat-k1");
    await isSaid("alarm-card");
    await event("offer", offer({ ...of, contact: "k3", kind: "chat" }));
    await isSaid("chat-offer");
  });

  it("in all that is to be followed up, and among recent calls", async () => {
    const slot = { slot: 1, by: "ola", by_name: "Ola", recall_at_ms: NOW_MS + 9_000 };
    const { user } = await english({
      abandoned: [abandoned(of)],
      handed_over: [{ ...of, ...follow, operator: "ola", operator_name: "Ola", parties: [] }],
      parked: [{ ...of, ...follow, ...slot }],
    });
    for (const [tab, where] of [
      ["recent", "recent-row-r1"],
      ["abandoned", "abandoned-a1"],
      ["handed-over", "handed-over-f1"],
      ["parked", "parked-f1"],
      ["figures", "figures-lv"],
    ] as const) {
      await user.click(id(`tab-${tab}`));
      await isSaid(where);
    }
  });

  it("for a shift lead: a chat that is looked into, the queues of a loan, the lab's callers", async () => {
    const { user, event } = await english({ server: { name: "kak", version: "0", lab: true } });
    await isSaid("lab-ring-116117");
    await user.click(id("tab-room"));
    await user.click(id("open-loans"));
    await isSaid("loan-queues");
    const holder = { holder: "ola", holder_name: "Ola" };
    await event("reading", { contact: "k1", card: card(of), ...holder, cause: "", text_nb: "", text_en: "" });
    await isSaid("reading-holder");
  });
});

describe("a queue's name", () => {
  it("follows the reader's language at once", async () => {
    const { user } = await english({ waiting: [waitingRow(of)] });
    await user.click(id("lang-nb"));
    expect(id("waiting-c1")).toHaveTextContent("Legevakten · Normal");
  });

  it("is that of another version of the configuration as soon as it holds", async () => {
    const { event } = await english({ waiting: [waitingRow(of)] });
    await event("transfer_targets", [{ ...TARGET, name_en: "Out-of-hours care" }]);
    expect(id("waiting-c1")).toHaveTextContent("Out-of-hours care · Normal");
  });

  it("stays when the queue is taken away while its calls are there", async () => {
    const { event } = await english({ call: call(of) });
    await event("transfer_targets", [OTHER]);
    await event("call", call({ ...of, queue_name: "lv" }));
    await isSaid("call-card");
  });

  it("is what the message says of a queue that this console never heard of", async () => {
    await english({ waiting: [waitingRow({ ...of, queue: "old", queue_name: "Gammel kø" })] });
    expect(id("waiting-c1")).toHaveTextContent("Gammel kø · Normal");
  });
});
