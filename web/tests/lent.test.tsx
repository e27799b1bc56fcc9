import { screen } from "@testing-library/react";
import type { Parked } from "../src/api/moves";
import type { OperatorRow, Queue } from "../src/api/types";
import { NOW_MS, snapshot, waitingRow } from "./samples";
import { eachInItsOwnBrowser, id, seatedConsole } from "./seated";

eachInItsOwnBrowser();

const rooms = ["oslo", "bergen"].map((room) => ({
  room,
  name: room === "oslo" ? "AMK Oslo" : "AMK Bergen",
  state: "open" as const,
  reason: "",
  by: null,
  by_name: null,
  since_ms: null,
}));
const [own] = snapshot().queues as [Queue];
const there: Queue = { ...own, queue: "113-bergen", name: "113 Bergen", of_room: "bergen" };
const colleague = (operator: string, of_room: string | null): OperatorRow => ({
  operator,
  name: operator,
  position: of_room ? "bergen-1" : "oslo-2",
  room: of_room ?? "oslo",
  activity: "available",
  state: "idle",
  since_ms: NOW_MS,
  contact: null,
  reserved: false,
  chat_room: 0,
  of_room,
});
const slot = (contact: string, number: number, of_room: string | null): Parked => ({
  contact,
  slot: number,
  queue: own.queue,
  queue_name: own.name,
  class: "emergency",
  caller: "",
  by: "ola",
  by_name: "Ola",
  since_ms: NOW_MS,
  recall_at_ms: NOW_MS + 60_000,
  of_room,
});

describe("somebody on loan", () => {
  it("sees the borrowing room's queues and who waits there, and which room's they are", async () => {
    await seatedConsole({
      rooms,
      queues: [own, there],
      waiting: [
        waitingRow(),
        waitingRow({ contact: "w2", queue: "113-bergen", queue_name: "113 Bergen", of_room: "bergen" }),
      ],
    });
    const list = id("queue-113-oslo").parentElement;
    expect([...(list?.children ?? [])].map((row) => row.textContent)).toEqual([
      "113 Oslo0–1",
      "Fra AMK Bergen, som du er lånt til",
      "113 Bergen0–1",
    ]);
    expect(id("waiting-c1")).not.toHaveTextContent("AMK");
    expect(id("waiting-w2")).toHaveTextContent("113 Bergen · Nød · AMK Bergen");
  });

  it("sees both rooms' colleagues and parked calls, the own room's slots first", async () => {
    const { user } = await seatedConsole({
      rooms,
      operators: [colleague("ola", null), colleague("eva", "bergen")],
      parked: [slot("there", 1, "bergen"), slot("here", 2, null)],
    });
    await user.click(id("tab-colleagues"));
    const [ola, eva] = [...id("operators").children];
    expect(ola).not.toHaveTextContent("AMK Bergen");
    expect(eva).toHaveTextContent("AMK Bergen");
    await user.click(id("tab-parked"));
    const rows = screen.getAllByTestId(/^parked-(here|there)$/);
    expect(rows.map((row) => row.dataset.testid)).toEqual(["parked-here", "parked-there"]);
    expect(rows[1]).toHaveTextContent("AMK Bergen");
    expect(rows[0]).not.toHaveTextContent("AMK Bergen");
  });

  it("of one room alone nothing is marked", async () => {
    await seatedConsole({ rooms, queues: [own] });
    expect(screen.queryByText(/som du er lånt til/)).toBeNull();
  });
});
