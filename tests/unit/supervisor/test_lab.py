"""The lab's plan and its banner."""

from pathlib import Path

import pytest

from kak_server.config.loader import load_settings
from kak_server.model.errors import StartupError
from kak_server.supervisor.lab import STOP_ORDER, LabOptions, banner, plan, run_lab
from tests.unit.supervisor.holding import hold_lock

LAB = Path(__file__).parents[3] / "configs/lab.yaml"


def test_every_process_has_its_own_files_and_a_place_in_the_stop_order() -> None:
    processes = list(plan(load_settings(LAB), LabOptions(LAB)))
    names = [managed.spec.name for managed in processes]
    assert names == ["worker", "simulators", "control"]
    assert set(names) == set(STOP_ORDER)
    assert len({managed.spec.log for managed in processes}) == 3
    assert processes[2].spec.stop_timeout_s > load_settings(LAB).server.drain_timeout_s


def test_without_simulators() -> None:
    names = [managed.spec.name for managed in plan(load_settings(LAB), LabOptions(LAB, simulators=False))]
    assert names == ["worker", "control"]


def test_another_configuration_brings_its_own_talkgroups() -> None:
    national = LAB.with_name("national.yaml")
    simulators = list(plan(load_settings(national), LabOptions(national)))[1].spec.argv
    assert simulators[-2:] == ("--config", str(national))


def test_the_banner_tells_a_newcomer_what_to_do() -> None:
    text = banner(load_settings(LAB), [("control", Path("var/lab/logs/control.log"))])
    for words in (
        "http://localhost:8080",
        "kari / lab",
        "113 -> 113 Oslo",
        "127.0.0.1:5060",
        "ws://127.0.0.1:8091",
        "control: var/lab/logs/control.log",
    ):
        assert words in text


def test_one_lab_a_data_folder(tmp_path: Path) -> None:
    settings = load_settings(LAB, [f"server.data_dir={tmp_path}"])
    with hold_lock(tmp_path / "lab.lock"), pytest.raises(StartupError, match="another lab runs"):
        run_lab(settings, LabOptions(LAB))
