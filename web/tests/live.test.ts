import { describe, expect, it } from "vitest";
import type { EventData, EventName, StreamEvent } from "../src/api/types";
import { EVENT_NAMES, fromSnapshot, isResumable, type Live, step } from "../src/state/live";
import { call, card, me, NOW_MS, offer, snapshot, talkgroup, waitingRow } from "./samples";

const OURS_MS = NOW_MS - 2_500; // our clock is 2.5 s behind the server's

function start(part: Parameters<typeof snapshot>[0] = {}): Live {
  return fromSnapshot(snapshot(part), OURS_MS, null);
}

function apply<N extends EventName>(live: Live, type: N, data: EventData[N]): Live {
  const result = step(live, { type, seq: live.seq + 1, data } as StreamEvent, OURS_MS);
  if (result.kind !== "state") throw new Error(`the event was ${result.kind}`);
  expect(result.live.seq).toBe(live.seq + 1);
  return result.live;
}

describe("a snapshot", () => {
  it("replaces all, and tells how far the clocks are apart", () => {
    const live = start({ offer: offer() });
    expect(live).toMatchObject({ seq: 17, clock_offset_ms: 2_500, offer: { contact: "c1" }, ended: null });
    expect("type" in live).toBe(false);
  });

  it("keeps the ended call, and has the list of recent calls read anew", () => {
    const before = apply(start({ call: call() }), "call.ended", {
      contact: "c1",
      cause: "caller",
      text_nb: "",
      text_en: "",
    });
    const live = fromSnapshot(snapshot(), OURS_MS, before);
    expect(live.ended?.cause).toBe("caller");
    expect(live.recent_version).toBe(before.recent_version + 1);
  });
});

describe("sequence numbers", () => {
  const at = (seq: number) => step(start(), { type: "recent", seq, data: {} }, OURS_MS).kind;

  it("advance by one; older events are stale, later ones show a gap", () => {
    expect(at(18)).toBe("state");
    expect(at(17)).toBe("stale");
    expect(at(3)).toBe("stale");
    expect(at(19)).toBe("gap");
  });

  it("decide whether a stream can be resumed", () => {
    expect(isResumable(start(), 17)).toBe(true);
    expect(isResumable(start(), 18)).toBe(false);
    expect(isResumable(null, 0)).toBe(false);
  });
});

const nobody = { contact: "c1", reason: "nobody", asked: 2, queue: "q", queue_name: "Q", room: null } as const;

describe("events", () => {
  it("are all known by name", () => {
    // Every one is applied without throwing; what each does is below.
    const data: EventData = {
      offer: offer(),
      "offer.withdrawn": { contact: "c1", epoch: 4, reason: "expired" },
      call: call(),
      "call.ended": { contact: "c1", cause: "caller", text_nb: "", text_en: "" },
      "consult.nobody": nobody,
      card: card(),
      "card.message": { contact: "k1", number: 2, by: "outside", name: "", text: "x", at_ms: 0 },
      "card.ended": { contact: "k1", cause: "hangup", text_nb: "", text_en: "" },
      "chat.kept": { contact: "k1", operator: "ola", name: "Ola", reason: "expired" },
      reading: { contact: "k1", card: card(), holder: "ola", holder_name: "Ola", cause: "", text_nb: "", text_en: "" },
      me: me(),
      queues: [],
      waiting: [],
      operators: [],
      handed_over: [],
      abandoned: [],
      talkgroup: talkgroup(),
      media: { state: "up" },
      "media.reset": { reason: "worker" },
      "seat.lost": { reason: "taken-over" },
      notice: { id: "n", level: "info", code: "x", text_nb: "", text_en: "", at_ms: 0 },
      "notice.cleared": { id: "n" },
      recent: {},
      staff: [],
      loans: [],
      rooms: [],
      skills: [],
      transfer_targets: [],
      surges: [],
      parked: [],
      flags: [],
      phone: { device: "desk", serves: true, state: "registered" },
    };
    expect([...EVENT_NAMES].sort()).toEqual(Object.keys(data).sort());
    for (const name of EVENT_NAMES) apply(start(), name, data[name]);
  });

  it("offer and offer.withdrawn: only the same offer epoch is withdrawn", () => {
    const offered = apply(start(), "offer", offer({ epoch: 5 }));
    expect(offered.offer?.epoch).toBe(5);
    expect(apply(offered, "offer.withdrawn", { contact: "c1", epoch: 4, reason: "expired" }).offer?.epoch).toBe(5);
    expect(apply(offered, "offer.withdrawn", { contact: "c2", epoch: 5, reason: "expired" }).offer?.epoch).toBe(5);
    expect(apply(offered, "offer.withdrawn", { contact: "c1", epoch: 5, reason: "expired" }).offer).toBeNull();
  });

  it("call: replaces the call and takes its offer away", () => {
    const live = apply(start({ offer: offer() }), "call", call());
    expect(live.call?.state).toBe("connected");
    expect(live.offer).toBeNull();
    expect(apply(live, "call", call({ state: "held" })).call?.state).toBe("held");
  });

  it("consult.nobody: told until somebody else is asked, or the call is over", () => {
    const told = apply(start({ call: call() }), "consult.nobody", nobody);
    expect(told.nobody_came?.asked).toBe(2);
    const later = apply(told, "call", call({ state: "held" }));
    expect(later.nobody_came?.asked).toBe(2);
    const search = { queue: "q", queue_name: "Q", room: null, asked: 1, until_ms: 0 };
    expect(apply(later, "call", call({ search })).nobody_came).toBeNull();
    expect(apply(later, "call", call({ contact: "c2" })).nobody_came).toBeNull();
    const over = { contact: "c1", cause: "caller", text_nb: "", text_en: "" };
    expect(apply(later, "call.ended", over).nobody_came).toBeNull();
  });

  it("call: another contact's offer stays", () => {
    expect(apply(start({ offer: offer({ contact: "c9" }) }), "call", call()).offer?.contact).toBe("c9");
  });

  it("call.ended: keeps the call for the wrap-up; of another contact it changes nothing", () => {
    const live = start({ call: call() });
    const ended = apply(live, "call.ended", { contact: "c1", cause: "operator", text_nb: "", text_en: "" });
    expect(ended).toMatchObject({ call: null, ended: { cause: "operator", at_ms: NOW_MS, call: { contact: "c1" } } });
    expect(
      apply(live, "call.ended", { contact: "c2", cause: "operator", text_nb: "", text_en: "" }).call?.contact,
    ).toBe("c1");
  });

  it("cards: beside the call, replaced whole, with messages that come once", () => {
    const live = apply(start({ call: call(), offer: offer({ contact: "k1" }) }), "card", card());
    expect(live.offer).toBeNull();
    expect(live.call?.contact).toBe("c1");
    const message = { contact: "k1", number: 2, by: "operator" as const, name: "Kari", text: "Hei", at_ms: NOW_MS };
    const said = apply(apply(live, "card.message", message), "card.message", message);
    expect(said.cards.map((one) => one.messages.map((each) => each.number))).toEqual([[1, 2]]);
    expect(apply(said, "card", card({ contact: "k2" })).cards.map((one) => one.contact)).toEqual(["k1", "k2"]);
    expect(apply(said, "card", card({ queue_name: "Other" })).cards.map((one) => one.queue_name)).toEqual(["Other"]);
    const ended = { contact: "k1", cause: "hangup", text_nb: "", text_en: "" };
    expect(apply(said, "card.ended", ended)).toMatchObject({ cards: [], call: { contact: "c1" } });
  });

  it("me: idle again forgets the ended call, wrap-up keeps it", () => {
    const ended = apply(start({ call: call() }), "call.ended", {
      contact: "c1",
      cause: "operator",
      text_nb: "",
      text_en: "",
    });
    expect(apply(ended, "me", me({ state: "wrap-up" })).ended).not.toBeNull();
    expect(apply(ended, "me", me({ state: "idle" }))).toMatchObject({ ended: null, me: { state: "idle" } });
  });

  it("me: a call out that came to nothing stays on the screen with its cause, until the next call", () => {
    const dialled = call({ direction: "out", state: "connecting", far_end: "ringing" });
    const texts = { cause: "busy", text_nb: "Opptatt", text_en: "Busy" };
    const idle = apply(apply(start({ call: dialled }), "call.ended", { contact: "c1", ...texts }), "me", me());
    expect(idle.ended).toMatchObject(texts);
    expect(apply(idle, "call", call()).ended).toBeNull();
    const talked = apply(start({ call: call({ direction: "out" }) }), "call.ended", { contact: "c1", ...texts });
    expect(apply(talked, "me", me()).ended).toBeNull();
  });

  it("phone: replaced", () => {
    const phone = { device: "desk", serves: true, state: "ringing" as const };
    expect(apply(start(), "phone", phone).phone).toEqual(phone);
  });

  it("queues, waiting, operators: whole lists", () => {
    const waiting = [waitingRow()];
    expect(apply(start(), "waiting", waiting).waiting).toBe(waiting);
    expect(apply(start(), "queues", []).queues).toEqual([]);
    expect(apply(start(), "operators", []).operators).toEqual([]);
  });

  it("talkgroup: one is replaced in its place, a new one comes last", () => {
    const changed = apply(start(), "talkgroup", talkgroup({ floor: "talking" })).talkgroups;
    expect(changed.map((g) => [g.gssi, g.floor])).toEqual([
      [24201, "talking"],
      [24202, "free"],
    ]);
    const more = apply(start(), "talkgroup", talkgroup({ gssi: 24299 })).talkgroups;
    expect(more.map((g) => g.gssi)).toEqual([24201, 24202, 24299]);
  });

  it("media: the state changes, the generation stays", () => {
    expect(apply(start(), "media", { state: "down" }).media).toEqual({ state: "down", generation: "1" });
  });

  it("notice and notice.cleared: by id, bounded", () => {
    const notice = (id: string) => ({ id, level: "alarm" as const, code: "x", text_nb: "a", text_en: "b", at_ms: 1 });
    let live = apply(apply(start(), "notice", notice("a")), "notice", notice("a"));
    expect(live.notices).toHaveLength(1);
    for (let n = 0; n < 60; n += 1) live = apply(live, "notice", notice(`n${n}`));
    expect(live.notices).toHaveLength(50);
    expect(apply(live, "notice.cleared", { id: "n59" }).notices.some((n) => n.id === "n59")).toBe(false);
  });

  it("recent: counts up", () => {
    expect(apply(start(), "recent", {}).recent_version).toBe(start().recent_version + 1);
  });

  it("an event of a newer server counts in the sequence and changes nothing else", () => {
    const live = start();
    const result = step(live, { type: "weather", seq: 18, data: {} } as unknown as StreamEvent, OURS_MS);
    expect(result).toEqual({ kind: "state", live: { ...live, seq: 18 } });
  });
});
