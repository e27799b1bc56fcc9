"""Whatever happens to the journal's files, reading them never raises, and a state that is not the true one is never
given without saying that something was lost."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kak_server.model.codec import CodecError
from kak_server.runtime.archive import Keep
from kak_server.runtime.check import check
from kak_server.runtime.compaction import compact
from kak_server.runtime.explain import explanation
from kak_server.runtime.folder import segment_numbers, segment_path
from kak_server.runtime.segments import load
from tests.unit.runtime.journaled import rebuilt
from tests.unit.runtime.test_compaction import day


def made() -> tuple[Path, str, dict[str, object], list[str]]:
    """A journal with an archive, two snapshots and plain segments; its state, live values and files."""
    folder = Path(tempfile.mkdtemp())
    desk = day(folder, 12)
    compact(folder, Keep(), 0)
    for number in range(20, 32):
        desk.ring(f"c{number}")
        if desk.journal.upkeep_due:
            desk.journal.upkeep(desk.core.snapshot)
    desk.journal.close()
    compact(folder, Keep(), 0)
    files = sorted(path.name for path in folder.iterdir() if path.name.startswith(("journal-", "snapshot-")))
    return folder, desk.core.digest(), load(folder).values, files


SOURCE, STATE, VALUES, FILES = made()


def damaged(path: Path, kind: str, where: float, value: int) -> None:
    data = bytearray(path.read_bytes())
    at = min(len(data) - 1, int(where * len(data)))
    if kind == "flip":
        data[at] ^= value
    elif kind == "cut":
        del data[at:]
    elif kind == "zero":
        data[at : at + 64] = bytes(len(data[at : at + 64]))
    elif kind == "twice":
        data[at:at] = data[at : at + 64]
    else:
        path.unlink()
        return
    path.write_bytes(data)


blow = st.tuples(
    st.sampled_from(FILES),
    st.sampled_from(["flip", "cut", "zero", "twice", "gone"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 255),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(blow, min_size=1, max_size=3, unique_by=lambda one: one[0]))
def test_damage_is_never_silent_and_never_fatal(blows: list[tuple[str, str, float, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        shutil.copytree(SOURCE, folder)
        for file, kind, where, value in blows:
            damaged(folder / file, kind, where, value)
        contents = load(folder)
        try:
            same = rebuilt(contents).digest() == STATE and contents.values == VALUES
        except CodecError:
            same = False
        newest_is_cut = any(file == FILES_NEWEST and kind in ("cut", "gone") for file, kind, _, _ in blows)
        assert same or contents.lost or newest_is_cut, "a power cut may take whole records off the end unseen"
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = check(folder)
        assert code in (0, 1)
        if code == 0:
            assert "PROBLEM" not in said.getvalue()
        for contact in ("c3", "c25"):
            explanation(folder, contact)


FILES_NEWEST = segment_path(SOURCE, segment_numbers(SOURCE)[-1]).name  # the next one's file may stand behind it
