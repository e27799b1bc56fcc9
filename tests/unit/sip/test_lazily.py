"""Worked out once, kept, and never kept when it failed."""

import pytest

from kak_server.sip.lazily import lazily


class Thing:
    def __init__(self) -> None:
        self.asked = 0

    @lazily
    def answer(self) -> int:
        """Doc."""
        self.asked += 1
        if self.asked == 1:
            raise ValueError("not yet")
        return self.asked


def test_it_is_worked_out_once_and_a_failure_is_not_kept() -> None:
    thing = Thing()
    with pytest.raises(ValueError, match="not yet"):
        _ = thing.answer
    assert (thing.answer, thing.answer, thing.asked) == (2, 2, 2)


def test_things_do_not_share_it_and_it_can_be_replaced() -> None:
    first, second = Thing(), Thing()
    first.__dict__["answer"] = 7
    second.asked = 1
    assert (first.answer, second.answer) == (7, 2)
    assert Thing.answer.__doc__ == "Doc."
