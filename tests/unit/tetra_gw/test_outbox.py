"""Commands in flight: repeated under their id, never after what supersedes them."""

import pytest

from tests.unit.tetra_gw.trace import Bench, Line, sent

UNDO = [
    ("cease_tx", {"gssi": 24201}, "tx.cease", "request_tx", {"gssi": 24201, "op": "kari", "priority": 0}),
    ("detach", {"gssi": 24201}, "group.detach", "attach", {"gssi": 24201}),
    ("close_leg", {"gssi": 24201}, "leg.close", "open_leg", {"gssi": 24201, "host": "127.0.0.1", "port": 4}),
    (
        "remove_patch",
        {"patch": "p"},
        "patch.remove",
        "create_patch",
        {"patch": "p", "sip_call": "c", "gssi": 24201, "op": "kari", "owner_ok": True},
    ),
]


def prepared() -> Bench:
    """Everything there is to undo, in force."""
    bench = Bench().up(24201)
    bench.do("open_leg", gssi=24201, host="127.0.0.1", port=4)
    bench.do("request_tx", gssi=24201, op="kari", priority=0)
    bench.do("create_patch", patch="p", sip_call="c", gssi=24201, op="kari", owner_ok=True)
    return bench


@pytest.mark.parametrize(("undo", "arguments", "name"), [case[:3] for case in UNDO])
def test_an_unanswered_command_is_repeated_under_its_id(undo: str, arguments: Line, name: str) -> None:
    bench = prepared()
    assert name in sent(bench.do(undo, **arguments))
    first = bench.last_id[name]
    assert name in sent(bench.advance(2_000))
    assert bench.last_id[name] == first
    bench.feed({"type": "pong"})
    bench.feed({"type": "ack", "re": f"${name}", "body": {"result": "accepted"}})
    assert name not in sent(bench.advance(6_000))


@pytest.mark.parametrize(("undo", "arguments", "name", "redo", "redo_arguments"), UNDO)
def test_it_is_not_repeated_after_what_supersedes_it(
    undo: str, arguments: Line, name: str, redo: str, redo_arguments: Line
) -> None:
    bench = prepared()
    bench.do(undo, **arguments)
    bench.advance(1_000)
    bench.do(redo, **redo_arguments)
    assert name not in sent(bench.advance(2_900))
