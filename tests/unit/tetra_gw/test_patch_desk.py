"""Patches over a lost link."""

from tests.unit.tetra_gw.trace import Bench, events, sent

PATCH = {"patch": "p1", "sip_call": "call-1", "gssi": 24201, "op": "kari", "owner_ok": True}


def patched() -> Bench:
    bench = Bench().up(24201)
    bench.do("create_patch", **PATCH)
    bench.feed({"type": "patch.state", "re": "$patch.create", "body": {"patch": "p1", "gssi": 24201, "active": True}})
    return bench


def again(bench: Bench, *held: str) -> list[dict[str, object]]:
    bench.do("connected")
    bench.feed({"type": "welcome", "body": {"epoch": 1}})
    return bench.feed({"type": "snapshot", "body": {"patches": [{"patch": patch, "gssi": 24201} for patch in held]}})


def test_a_patch_is_created_again_after_a_lost_link() -> None:
    bench = patched()
    assert events(bench.do("disconnected"), "PatchChanged") == []
    assert "patch.create" in sent(again(bench, "p1"))
    lines = bench.feed(
        {"type": "patch.state", "re": "$patch.create", "body": {"patch": "p1", "gssi": 24201, "active": True}}
    )
    assert [event["active"] for event in events(lines, "PatchChanged")] == [True]


def test_a_patch_refused_after_a_lost_link_is_told() -> None:
    bench = patched()
    bench.do("disconnected")
    again(bench)
    lines = bench.feed({"type": "ack", "re": "$patch.create", "body": {"result": "rejected", "code": "NOT_ATTACHED"}})
    assert [(event["active"], event["cause"]) for event in events(lines, "PatchChanged")] == [(False, "NOT_ATTACHED")]


def test_a_patch_asked_for_without_a_link_waits_for_it() -> None:
    bench = Bench()
    bench.do("create_patch", **PATCH)
    assert "patch.create" in sent(again(bench))


def test_a_patch_removed_without_a_link_is_removed_after_it() -> None:
    bench = patched()
    bench.do("disconnected")
    assert sent(bench.do("remove_patch", patch="p1")) == []
    lines = again(bench, "p1")
    assert "patch.remove" in sent(lines)
    assert "patch.create" not in sent(lines)


def test_a_patch_only_the_gateway_knows_is_told_to_the_house() -> None:
    bench = Bench()
    told = events(again(bench, "old"), "PatchChanged")
    assert told == [{"name": "PatchChanged", "patch": "old", "gssi": 24201, "active": True, "cause": "unknown_here"}]
    assert "patch.remove" in sent(bench.do("remove_patch", patch="old"))


def test_a_patch_that_fell_out_of_a_snapshot_is_asked_for_again() -> None:
    bench = patched()
    lines = bench.feed({"type": "snapshot", "body": {"groups": [{"gssi": 24201, "state": "attached"}]}})
    assert sent(lines) == ["patch.create"]
    assert events(lines) == []


def test_an_unanswered_patch_is_given_up() -> None:
    bench = Bench().up(24201)
    bench.do("create_patch", **PATCH)
    lines = []
    for _ in range(4):
        lines += bench.advance(bench.now_ms + 2_000)
        lines += bench.feed({"type": "pong"})
    assert sent(lines).count("patch.create") == 2  # repeated under the same id, then given up
    assert [event["cause"] for event in events(lines, "PatchChanged")] == ["TIMEOUT"]
