"""Replay of any journal gives the state byte for byte, in any process; a crash after any append recovers to the state
of then; journals of released formats are read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kak_server.model.codec import dumps
from kak_server.routing.api import Effect, Event
from kak_server.routing.step import RoutingCore
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.counted import Counted
from kak_server.runtime.folder import segment_numbers, segment_path
from kak_server.runtime.frames import Frame
from kak_server.runtime.journal import Journal, JournalSettings
from kak_server.runtime.segments import history, load
from kak_sim.days.day import Day
from kak_sim.days.scenarios import world_of
from tests.support.other_python import ROOT, other_python
from tests.support.replay_child import replayed
from tests.unit.runtime.every_event import EVERY, EveryEvent, counted_again, digest_with_figures
from tests.unit.runtime.journaled import rebuilt
from tests.unit.runtime.test_compaction import Asked

CHILD = ROOT / "tests" / "support" / "replay_child.py"
JOURNALS = ROOT / "tests" / "data" / "journals"


class Writing:
    """A watch that journals what it sees."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def observe(self, event: Event, effects: tuple[Effect, ...], core: RoutingCore) -> list[str]:
        self.journal.append_event(event)
        if effects:
            self.journal.put(f"seen/{type(event).__name__}", {"effects": len(effects)})
        if self.journal.upkeep_due:
            self.journal.upkeep(core.snapshot)
        return []


def simulated(folder: Path, scenario: str, seed: int, events: int, segment_bytes: int) -> RoutingCore:
    """Some of a simulated day, journalled."""
    journal, _ = Journal.open(folder, JournalSettings(segment_bytes=segment_bytes), now_ms=1, compactor=Asked())
    day = Day(world_of(scenario, seed), seed, (Writing(journal),))
    outcome = day.run(events)
    assert outcome.findings == ()
    journal.close()
    return day.stage.core


def in_process(python: str, folder: Path, paths: list[str], hash_seed: str) -> dict[str, object]:
    """The child's line."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": hash_seed}
    argv = [python, str(CHILD), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, timeout=300)
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(("scenario", "seed"), [("normal", 11), ("storm", 12), ("mass-casualty", 13)])
def test_two_hash_seeds_give_the_same_bytes(tmp_path: Path, scenario: str, seed: int) -> None:
    core = simulated(tmp_path, scenario, seed, 2_500, 1 << 30)
    here = replayed(tmp_path)
    assert here["events"] == 2_500
    assert here["state_bytes"] == len(dumps(core.snapshot()))
    assert rebuilt(load(tmp_path)).digest() == core.digest()
    for hash_seed in ("0", "4711"):
        assert in_process(sys.executable, tmp_path, [str(ROOT / "src")], hash_seed) == here, hash_seed


@pytest.mark.parametrize(("scenario", "seed"), [("normal", 21), ("storm", 22), ("mass-casualty", 23)])
def test_another_python_gives_the_same_bytes(tmp_path: Path, scenario: str, seed: int) -> None:
    python, packages = other_python()
    simulated(tmp_path, scenario, seed, 2_500, 1 << 30)
    assert in_process(python, tmp_path, [str(ROOT / "src"), packages], "random") == replayed(tmp_path)


def test_snapshots_on_the_way_change_nothing(tmp_path: Path) -> None:
    core = simulated(tmp_path / "whole", "storm", 31, 4_000, 60_000)
    assert len(segment_numbers(tmp_path / "whole")) > 3
    shutil.copytree(tmp_path / "whole", tmp_path / "compacted")
    assert compact(tmp_path / "compacted", Keep(), 0).snapshot
    assert rebuilt(load(tmp_path / "compacted")).digest() == rebuilt(load(tmp_path / "whole")).digest() == core.digest()


def everything(folder: Path) -> EveryEvent:
    """A night with every kind of event, over several segments."""
    journal, _ = Journal.open(folder, JournalSettings(segment_bytes=9_000), now_ms=1, compactor=Asked())
    desk = EveryEvent(folder, journal)
    desk.night()
    journal.close()
    return desk


def test_every_kind_of_event_is_in_the_night_that_is_replayed_and_is_obeyed_there(tmp_path: Path) -> None:
    """Whoever adds an event adds it to `EveryEvent.night`."""
    assert sorted(EVERY - everything(tmp_path).obeyed) == []


def test_every_kind_of_event_gives_the_same_bytes_in_other_processes(tmp_path: Path) -> None:
    desk = everything(tmp_path)
    here = replayed(tmp_path)
    assert here["events"] == len(desk.events)
    assert here["with_figures"] == desk.digest
    for hash_seed in ("0", "4711"):
        assert in_process(sys.executable, tmp_path, [str(ROOT / "src")], hash_seed) == here, hash_seed


def test_every_kind_of_event_gives_the_same_bytes_in_another_python(tmp_path: Path) -> None:
    python, packages = other_python()
    everything(tmp_path)
    assert in_process(python, tmp_path, [str(ROOT / "src"), packages], "random") == replayed(tmp_path)


def test_a_crash_after_and_amid_each_append_recovers_to_the_state_of_then(tmp_path: Path) -> None:
    source = tmp_path / "source"
    desk = everything(source)
    frames = [(name, item) for name, item in history(source) if isinstance(item, Frame)]
    assert len(segment_numbers(source)) >= 3
    assert len(frames) > 100
    expected = digest_with_figures(Counted.restore(None))
    values, folder = dict[str, object](), tmp_path / "cut"
    for position, (name, frame) in enumerate(frames):
        folder.mkdir()
        for number in segment_numbers(source):
            path = segment_path(source, number)
            if path.name < name:
                shutil.copy(path, folder)
        whole = (source / name).read_bytes()
        for end in (frame.end - 1 - position % 20, frame.end):
            (folder / name).write_bytes(whole[:end])
            if end == frame.end:
                expected = desk.states.get(frame.serial, expected)
                if frame.record["k"] == "put":
                    values[frame.record["key"]] = frame.record["value"]
                elif frame.record["k"] == "del":
                    values.pop(frame.record["key"])
            contents = load(folder)
            assert digest_with_figures(counted_again(contents)) == expected, (frame.serial, end == frame.end)
            assert contents.values == values, (frame.serial, end == frame.end)
            assert len(contents.lost) == (end != frame.end)
        shutil.rmtree(folder)
    assert expected == desk.digest


@pytest.mark.parametrize("released", sorted(path.name for path in JOURNALS.iterdir()))
def test_a_journal_of_each_released_format_is_read(tmp_path: Path, released: str) -> None:
    shutil.copytree(JOURNALS / released, tmp_path / "journal")
    expected = json.loads((tmp_path / "journal" / "expected.json").read_text())
    journal, replay = Journal.open(tmp_path / "journal", now_ms=1)
    journal.close()
    assert replay.lost == ()
    assert replay.values == expected["values"]
    core = rebuilt(replay)
    contacts = {one.contact: [one.state.value, one.queue, one.operator] for one in core.contacts()}
    operators = {one.operator: [one.state.value, one.activity.value, one.contact] for one in core.operators()}
    assert contacts == expected["contacts"]
    assert operators == expected["operators"]
