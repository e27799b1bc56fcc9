"""A time of the journal by the rules as they were, and by others beside them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from kak_server.model.codec import Json
from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.runtime.replaying import Replayer, segment_to_begin_with
from kak_server.runtime.segments import Lost
from kak_server.runtime.whatif.figures import Row, Tally, beside, changed, figures, grouped
from kak_server.runtime.whatif.recording import RULES, Recorder, Recording
from kak_server.runtime.whatif.simulation import Simulation

TAIL_MS = 2 * 3_600_000
"""What happens so long after the end is read as well: those who came before it are still waiting or talking."""
SHOWN_MAX = 20
"""So many contacts are named in the text; JSON and CSV have all."""

ASSUMPTIONS = (
    "callers call when they did, and wait as long as they did before they hang up, unless they are answered before",
    "a caller who was answered would have waited for ever",
    "a conversation takes as long as it did, whoever has it; one that never took place takes the queue's median",
    "operators sign in, say available or break, and lose their sound when they did",
    "an operator answers an offer of the same contact as they did; another one after their own median answer time",
    "paper work of a contact takes as long as it did",
    "calls out are made when they were, if their operator is free then",
)


@frozen
class Observed:
    """What the journal says happened. `thresholds`: in how many ms a queue's calls were to be answered. `segment`:
    reading began there, from the state before it; 0: with the journal's first record."""

    recording: Recording
    tally: Tally
    thresholds: Mapping[QueueId, int]
    problems: tuple[str, ...]
    segment: int = 0


def observe(folder: Path, from_ms: int, to_ms: int) -> Observed | None:
    """Read the journal from the newest state that is known before `from_ms`; None if it holds nothing of that time.
    Needs no lock; the server may be running."""
    replayer = Replayer(folder)
    segment = segment_to_begin_with(folder, from_ms)
    recorder: Recorder | None = None
    tally = Tally(from_ms)
    thresholds: dict[QueueId, int] = {}
    problems: list[str] = []
    for seen in replayer.walk(segment):
        if isinstance(seen.item, Lost):
            problems.append(str(seen.item))
        event = seen.event
        if event is None:
            continue
        if event.now_ms > to_ms + TAIL_MS:
            break
        core = replayer.core
        if event.now_ms < from_ms:
            core.step(event)
            continue
        if recorder is None:
            recorder = Recorder(core, from_ms)
            thresholds.update(_thresholds(core))
        effects = recorder.take(core, event)
        tally.take(event, effects, core)
        if isinstance(event, RULES):
            thresholds.update(_thresholds(core))
    problems += replayer.problems
    return None if recorder is None else Observed(recorder.recording, tally, thresholds, tuple(problems), segment)


def _thresholds(core: RoutingCore) -> dict[QueueId, int]:
    return {rules.queue: rules.threshold_ms for rules in core.queues()}


def compare(
    observed: Observed,
    to_ms: int,
    rules: api.RoutingConfig | None,
    skills: Mapping[OperatorId, Mapping[str, int]] | None = None,
    capacities: Mapping[OperatorId, api.Capacity] | None = None,
) -> dict[str, Json]:
    """Old and new beside each other, as JSON values. `rules` None: those that held, which must come out the same.
    "unplaced" are contacts that had a queue and have none by the new rules; "by_contact" are all that have one."""
    again = Simulation(observed.recording)
    again.run()
    old = _within(observed.tally, to_ms)
    same = sum(1 for contact, row in old.items() if _alike(row, again.tally.rows.get(contact)))
    simulated = again
    thresholds = dict(observed.thresholds)
    if rules is not None:
        simulated = Simulation(observed.recording, rules, skills, capacities)
        simulated.run()
        thresholds.update({queue.queue: queue.threshold_ms for queue in rules.queues})
    new, unplaced = _within(simulated.tally, to_ms), old.keys() & simulated.tally.unplaced
    return {
        "from": iso(observed.recording.from_ms or min(row.arrived_ms for row in observed.tally.rows.values())),
        "to": iso(min(to_ms, observed.recording.end[0])),
        "read_from_segment": observed.segment,
        "contacts": len(old),
        "reproduced": same,
        "unplaced": len(unplaced),
        "not_done": simulated.dropped,
        "all": _beside(list(old.values()), list(new.values()), thresholds),
        "queues": _groups(old, new, "queue", thresholds),
        "rooms": _groups(old, new, "room", thresholds),
        "changed": changed(old, new),
        "by_contact": [beside(row, new[contact]) for contact, row in old.items() if contact in new],
        "problems": list(observed.problems),
        "assumptions": list(ASSUMPTIONS),
    }


def _within(tally: Tally, to_ms: int) -> dict[ContactId, Row]:
    return {contact: row for contact, row in tally.rows.items() if row.arrived_ms < to_ms}


def _alike(row: Row, other: Row | None) -> bool:
    return other is not None and (row.answered_ms, row.ended_ms, row.turned_away) == (
        other.answered_ms,
        other.ended_ms,
        other.turned_away,
    )


def _groups(
    old: Mapping[ContactId, Row], new: Mapping[ContactId, Row], by: str, thresholds: Mapping[QueueId, int]
) -> dict[str, Json]:
    before, after = grouped(old.values(), by), grouped(new.values(), by)
    names = sorted({*before, *after})
    return {name: _beside(before.get(name, []), after.get(name, []), thresholds) for name in names}


def _beside(old: list[Row], new: list[Row], thresholds: Mapping[QueueId, int]) -> dict[str, Json]:
    return {"old": asdict(figures(old, thresholds)), "new": asdict(figures(new, thresholds))}


def iso(at_ms: int) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="seconds")


# --- for reading ------------------------------------------------------------------------------------------------------

_COLUMNS = ("contacts", "answered", "abandoned", "waiting", "refused", "asa", "p50", "p90", "max", "in time")


def as_text(told: Mapping[str, Json], rules: str) -> str:
    """The comparison as a table. `rules`: what the new ones are called."""
    lines = [
        f"{told['from']} to {told['to']}: {told['contacts']} contacts; by the rules as they were "
        f"{told['reproduced']} of them come out as they did",
        f"read from {_begun(told['read_from_segment'])}",
        f"new rules: {rules}",
        "",
        f"{'':<26}" + "".join(f"{name:>11}" for name in _COLUMNS),
    ]
    for title in ("queues", "rooms"):
        lines.append(f"{title}:")
        for name, pair in told[title].items():
            lines += _pair(name or "(none)", pair)
    lines += ["all:", *_pair("", told["all"])]
    if told["unplaced"]:
        lines.append(f"{told['unplaced']} contacts were for queues that the new rules do not have")
    if told["not_done"]:
        lines.append(f"{told['not_done']} calls out or commands could not be made, since their operator was busy")
    if told["changed"]:
        lines += ["", f"waits that change most ({rules}), of {len(told['changed'])} that change:"]
        lines += [_change(one) for one in told["changed"][:SHOWN_MAX]]
    lines += ["", "assumed:", *(f"  - {text}" for text in told["assumptions"])]
    lines += [f"warning: {text}" for text in told["problems"]]
    return "\n".join(lines) + "\n"


def _begun(segment: int) -> str:
    return f"segment {segment} on, with the state before it" if segment else "the journal's first record on"


def _pair(name: str, pair: Mapping[str, Json]) -> list[str]:
    return [
        f"  {name if age == 'old' else '':<18.18} {age:<5}" + "".join(f"{cell:>11}" for cell in _cells(pair[age]))
        for age in ("old", "new")
    ]


def _cells(row: Mapping[str, Json]) -> list[str]:
    counts = [str(row[name]) for name in ("contacts", "answered", "abandoned", "waiting", "turned_away")]
    times = [_seconds(row[name]) for name in ("asa_ms", "p50_ms", "p90_ms", "max_ms")]
    return [*counts, *times, "-" if row["in_time"] is None else f"{row['in_time']:.1f} %"]


def _seconds(ms: int | None) -> str:
    return "-" if ms is None else f"{ms / 1_000:.1f} s"


def _change(one: Mapping[str, Json]) -> str:
    old, new = one["old"], one["new"]
    return (
        f"  {iso(one['arrived_ms'])} {one['contact']} {one['queue']}: {old['outcome']} after {_seconds(old['wait_ms'])}"
        f" -> {new['outcome']} after {_seconds(new['wait_ms'])}"
    )
