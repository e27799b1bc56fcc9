"""Why nobody is there: what the network's answer means to people, and to whoever asked us to call."""

import pytest

from kak_server.bridges.reasons import TEXTS, cause_of, status_of, texts
from kak_server.model.ids import CallId
from kak_server.sip.api import CallEnded


@pytest.mark.parametrize(
    ("cause", "status", "q850", "told"),
    [
        ("busy", 486, 0, "busy"),
        ("refused", 404, 0, "unknown-number"),
        ("refused", 500, 1, "unknown-number"),
        ("refused", 603, 0, "declined"),
        ("refused", 480, 21, "declined"),
        ("refused", 500, 0, "refused"),
        ("bye", 404, 1, "bye"),
    ],
)
def test_the_cause_is_as_close_as_the_network_tells(cause: str, status: int, q850: int, told: str) -> None:
    event = CallEnded(CallId("c"), cause, status=status, q850=q850)  # type: ignore[arg-type]
    assert cause_of(event) == told
    assert all(texts(told).values())


def test_every_text_is_in_both_languages_and_every_cause_has_a_status() -> None:
    assert all(nb and en for nb, en in TEXTS.values())
    assert {status_of(cause) for cause in TEXTS} == {404, 480, 486, 503, 603}
    assert texts("something else") == {"text_nb": "", "text_en": ""}
