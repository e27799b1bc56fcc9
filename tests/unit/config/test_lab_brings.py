"""What a lab's panel can bring besides calls."""

from pathlib import Path

from kak_server.config.compose import to_console_settings
from kak_server.config.lab_brings import lab_brings
from kak_server.config.loader import load_settings

CONFIGS = Path(__file__).parents[3] / "configs"


def test_the_lab_brings_a_chat_and_an_alarm_to_their_queues() -> None:
    settings = load_settings(CONFIGS / "lab.yaml")
    made = to_console_settings(settings)
    assert [(one.kind, one.queue, one.integrator) for one in made.lab_brings] == [
        ("chat", "legevakt-chat", "lab"),
        ("alarm", "alarms", "lab"),
    ]


def test_where_no_program_brings_anything_there_is_nothing_to_press() -> None:
    assert lab_brings(load_settings(CONFIGS / "minimal.yaml")) == ()
