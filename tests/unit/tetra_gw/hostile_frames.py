"""Frames no honest peer sends. Used against the driver, and against the simulated gateway."""

import json
from typing import Any


def envelope(**changes: Any) -> str:
    """A frame that would be right but for the changes; None leaves a field out."""
    frame: dict[str, Any] = {"v": 1, "type": "ping", "id": "h1", "seq": 1, "epoch": 1, "ts": 0, "body": {}}
    frame.update(changes)
    return json.dumps({key: value for key, value in frame.items() if value is not None})


HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "not_json": "GET / HTTP/1.1",
    "cut_off": '{"v":1,"type":"pi',
    "null": "null",
    "number": "1e999",
    "list": "[]",
    "text": '"ping"',
    "nested_100000_deep": "[" * 60_000,
    "nested_objects": '{"v":' * 10_000,
    "lone_surrogate": '{"v":1,"type":"\\ud800"}',
    "nul_bytes": "\x00\x01\x02",
    "binary": b"\x16\x03\x01\x02\x00\x01",
    "huge": envelope(body={"x": "y" * 70_000}),
    "huge_in_utf8": envelope(body={"x": "ø" * 40_000}),
    "big_number": '{"v":1,"seq":' + "9" * 5_000 + "}",
    "version_2": envelope(v=2),
    "version_in_quotes": envelope(v="1"),
    "no_type": envelope(type=None),
    "type_is_a_list": envelope(type=["ping"]),
    "unknown_type": envelope(type="group.explode"),
    "type_with_a_path": envelope(type="../../etc/passwd"),
    "no_id": envelope(id=None),
    "empty_id": envelope(id=""),
    "long_id": envelope(id="x" * 65),
    "id_is_a_number": envelope(id=7),
    "negative_seq": envelope(seq=-1),
    "seq_is_true": envelope(seq=True),
    "seq_is_a_fraction": envelope(seq=1.5),
    "seq_beyond_63_bits": envelope(seq=2**63),
    "epoch_in_quotes": envelope(epoch="1"),
    "ts_is_nan": '{"v":1,"type":"ping","id":"h","seq":1,"epoch":1,"ts":NaN}',
    "body_is_a_list": envelope(body=[1, 2]),
    "body_is_text": envelope(body="attach"),
    "gssi_zero": envelope(type="group.attach", body={"gssi": 0}),
    "gssi_25_bits": envelope(type="tx.taken", body={"gssi": 2**24, "talker": 1}),
    "gssi_missing": envelope(type="tx.request", body={}),
    "alias_too_long": envelope(type="tx.taken", body={"gssi": 1, "talker": 1, "alias": "A" * 65}),
    "endless_grant": envelope(type="tx.granted", body={"gssi": 1, "max_ms": 10**12}),
    "no_grant": envelope(type="tx.granted", body={"gssi": 1, "max_ms": 0}),
    "snapshot_too_long": envelope(type="snapshot", body={"groups": [{}] * 2_001}),
    "unknown_state": envelope(type="group.state", body={"gssi": 1, "state": "exploded"}),
}
