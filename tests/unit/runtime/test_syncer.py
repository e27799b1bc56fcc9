"""The sync thread with disks that are slow or refuse."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kak_server.runtime.syncer import Syncer


class Disk:
    """os.fdatasync that can be held up or made to fail, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.works = threading.Event()
        self.works.set()
        self.failing = False
        self.syncs = 0
        self._real = os.fdatasync
        monkeypatch.setattr("kak_server.runtime.files.os.fdatasync", self._sync)

    def _sync(self, fd: int) -> None:
        self.works.wait(10)
        if self.failing:
            raise OSError(5, "Input/output error")
        self._real(fd)
        self.syncs += 1


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def made(tmp_path: Path, disk: Disk) -> Iterator[tuple[Syncer, list[float], list[str]]]:
    lags: list[float] = []
    errors: list[str] = []
    fd = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    syncer = Syncer(
        fd,
        tmp_path,
        monotonic_s=time.monotonic,
        on_lag=lags.append,
        on_error=errors.append,
        on_tick=lambda: None,
        gather_s=0.0,
    )
    yield syncer, lags, errors
    disk.failing = False
    disk.works.set()
    syncer.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_nothing_written_means_no_lag_and_no_sync(made: tuple[Syncer, list[float], list[str]], disk: Disk) -> None:
    syncer, lags, _ = made
    assert syncer.lag_ms() == 0.0
    assert syncer.wait(0, 0.0)
    assert (lags, disk.syncs) == ([], 0)


def test_records_written_during_a_sync_share_the_next(made: tuple[Syncer, list[float], list[str]], disk: Disk) -> None:
    syncer, _, _ = made
    disk.works.clear()
    for serial in range(1, 101):
        syncer.note(serial)
    disk.works.set()
    assert syncer.wait(100, 10)
    assert disk.syncs <= 3


def test_the_lag_grows_while_the_disk_hangs(made: tuple[Syncer, list[float], list[str]], disk: Disk) -> None:
    syncer, lags, _ = made
    disk.works.clear()
    syncer.note(1)
    assert not syncer.wait(1, 0.05)
    syncer.note(2)
    assert syncer.lag_ms() >= 50
    disk.works.set()
    assert syncer.wait(2, 10)
    until(lambda: len(lags) == 2)
    assert lags[0] >= 50
    assert syncer.lag_ms() == 0.0


def test_a_refusing_disk_is_told_and_asked_again(made: tuple[Syncer, list[float], list[str]], disk: Disk) -> None:
    syncer, _, errors = made
    disk.failing = True
    syncer.note(1)
    until(lambda: bool(errors))
    assert "Input/output error" in errors[0]
    assert not syncer.wait(1, 0.01)
    disk.failing = False
    assert syncer.wait(1, 10)


def test_a_new_segment_closes_the_old_file_after_a_last_sync(
    made: tuple[Syncer, list[float], list[str]], disk: Disk, tmp_path: Path
) -> None:
    syncer, _, _ = made
    old = syncer._fd
    syncer.note(1)
    assert syncer.wait(1, 10)
    syncer.switch(os.open(tmp_path / "b", os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    syncer.note(2)
    assert syncer.wait(2, 10)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(old)


def test_stopping_syncs_what_is_left(tmp_path: Path, disk: Disk) -> None:
    fd = os.open(tmp_path / "c", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    syncer = Syncer(
        fd,
        tmp_path,
        monotonic_s=time.monotonic,
        on_lag=lambda lag_ms: None,
        on_error=lambda text: None,
        on_tick=lambda: None,
        gather_s=5.0,
    )
    syncer.note(1)
    started_s = time.monotonic()
    syncer.stop()
    assert disk.syncs == 1
    assert time.monotonic() - started_s < 4
