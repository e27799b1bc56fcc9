"""Golden traces: what goes into the driver and everything that must come out, one JSON object a line.

Inputs: {"at": ms, "do": "connected" | "disconnected" | a command of the house, ...its arguments}
        {"at": ms, "in": {"type", "re"?, "body"}}   a frame of the gateway; "$tx.request" as `re` means the id of the
                                                    last such frame of ours; `seq`, `epoch`, `id` are filled in
        {"at": ms, "raw": "text"}                   a frame as it is
        {"at": ms, "do": "wait"}                    only time passes
Outputs: {"out": {"type", "re"?, "op"?, "body"}}, {"event": {...}}, {"count": [name, labels]}, {"disconnect": reason}

Timers fire at their times between the inputs; their outputs carry "at". `python -m tests.unit.tetra_gw.trace` writes
the outputs of all traces anew; read the difference before you keep it.
"""

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

from kak_server.model.codec import to_json
from kak_server.model.ids import Gssi, OperatorId
from kak_server.tetra_gw.api import Count, Disconnect, Emit, GatewaySettings, SendText
from kak_server.tetra_gw.imw_sim import ImwSimDriver

FOLDER = Path(__file__).parent / "traces"
Line = dict[str, Any]


class Bench:
    """A driver, a virtual clock, and the gateway's side of the numbering."""

    def __init__(self, settings: GatewaySettings | None = None) -> None:
        ids = itertools.count(1)
        self.driver = ImwSimDriver(settings or GatewaySettings("sim", "ws://nowhere"), lambda: f"c{next(ids)}")
        self.now_ms = 0
        self.seq = 0
        self.epoch = 1
        self.last_id: dict[str, str] = {}  # type to the id of our last frame of it

    def do(self, what: str, **arguments: Any) -> list[Line]:
        """One call of the shell or the house, and what came of it."""
        driver, now_ms = self.driver, self.now_ms
        if what == "connected":
            self.seq = 0
            driver.connected(now_ms)
        elif what == "disconnected":
            driver.disconnected(now_ms, arguments.get("reason", "closed"))
        elif what != "wait":
            if "gssi" in arguments:
                arguments["gssi"] = Gssi(arguments["gssi"])
            if "op" in arguments:
                arguments["op"] = OperatorId(arguments["op"])
            getattr(driver, what)(**arguments, now_ms=now_ms)
        return self.drain()

    def feed(self, frame: Line) -> list[Line]:
        """One frame of the gateway."""
        self.seq = frame.get("seq", self.seq + 1)
        re = frame.get("re")
        envelope = {
            "v": 1,
            "type": frame["type"],
            "id": frame.get("id", f"g{self.seq}"),
            "seq": self.seq,
            "epoch": frame.get("epoch", self.epoch),
            "ts": self.now_ms,
            "body": frame.get("body", {}),
        }
        if re is not None:
            envelope["re"] = self.last_id[re[1:]] if re.startswith("$") else re
        return self.raw(json.dumps(envelope))

    def raw(self, text: str | bytes) -> list[Line]:
        """One frame as it is."""
        self.driver.receive(text, self.now_ms)
        return self.drain()

    def advance(self, to_ms: int) -> list[Line]:
        """Let time pass; timers fire at their times."""
        lines: list[Line] = []
        while (at_ms := self.driver.next_timer_at_ms()) is not None and at_ms <= to_ms:
            assert at_ms >= self.now_ms, "a timer in the past"
            self.now_ms = at_ms
            self.driver.timer(at_ms)
            lines += [{"at": at_ms, **line} for line in self.drain()]
        self.now_ms = to_ms
        return lines

    def up(self, *gssis: int) -> "Bench":
        """A session that is up, attached to groups."""
        self.do("connected")
        self.feed({"type": "welcome", "body": {"epoch": self.epoch}})
        self.feed({"type": "snapshot"})
        for gssi in gssis:
            self.do("attach", gssi=gssi)
            self.feed({"type": "group.state", "re": "$group.attach", "body": {"gssi": gssi, "state": "attached"}})
        return self

    def drain(self) -> list[Line]:
        """Outputs as lines."""
        lines: list[Line] = []
        for output in self.driver.drain():
            match output:
                case SendText(text):
                    frame = json.loads(text)
                    self.last_id[frame["type"]] = frame["id"]
                    lines.append({"out": {key: frame[key] for key in ("type", "re", "op", "body") if key in frame}})
                case Emit(event):
                    defaults = {
                        field.name: field.default
                        for field in dataclasses.fields(event)
                        if field.default is not dataclasses.MISSING
                    }
                    values = {
                        key: value
                        for key, value in to_json(event).items()
                        if key not in defaults or value != defaults[key]
                    }
                    lines.append({"event": {"name": type(event).__name__, **values}})
                case Count(name, labels):
                    lines.append({"count": [name, {key: labels[key] for key in labels if key != "gateway"}]})
                case Disconnect(reason):
                    lines.append({"disconnect": reason})
        return lines


def replay(inputs: list[Line]) -> list[Line]:
    """All lines of a trace, outputs made anew."""
    bench, lines = Bench(), []
    for line in inputs:
        lines += bench.advance(line["at"])
        lines.append(line)
        if "in" in line:
            lines += bench.feed(line["in"])
        elif "raw" in line:
            lines += bench.raw(line["raw"])
        else:
            lines += bench.do(line["do"], **{key: line[key] for key in line if key not in ("at", "do")})
    return lines


def read(path: Path) -> list[Line]:
    """The lines of a trace file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def inputs_of(lines: list[Line]) -> list[Line]:
    """The lines that are fed."""
    return [line for line in lines if {"do", "in", "raw"} & line.keys()]


def events(lines: list[Line], name: str = "") -> list[Line]:
    """The events among output lines, of one name or all."""
    found = [line["event"] for line in lines if "event" in line]
    return [event for event in found if not name or event["name"] == name]


def sent(lines: list[Line]) -> list[str]:
    """The types of the frames among output lines."""
    return [line["out"]["type"] for line in lines if "out" in line]


if __name__ == "__main__":
    for trace in sorted(FOLDER.glob("*.ndjson")):
        made = replay(inputs_of(read(trace)))
        trace.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made), encoding="utf-8")
