"""Repeated command ids are answered as the first time."""

import pytest

from kak_server.console.memo import IdReusedError, Memo


def test_the_first_answer_is_recalled_whatever_the_order_of_keys() -> None:
    memo: Memo[str] = Memo()
    assert memo.recall("1", "ptt", {"gssi": 1, "on": True}) is None
    memo.remember("1", "ptt", {"gssi": 1, "on": True}, "done")
    assert memo.recall("1", "ptt", {"on": True, "gssi": 1}) == "done"


@pytest.mark.parametrize(("name", "args"), [("ptt", {"on": False}), ("wrapup.done", {"on": True})])
def test_an_id_for_something_else_is_refused(name: str, args: dict[str, bool]) -> None:
    memo: Memo[str] = Memo()
    memo.remember("1", "ptt", {"on": True}, "done")
    with pytest.raises(IdReusedError):
        memo.recall("1", name, args)


def test_the_oldest_answers_go() -> None:
    memo: Memo[int] = Memo(size=3)
    for number in range(5):
        memo.remember(str(number), "x", {}, number)
    assert len(memo) == 3
    assert [memo.recall(str(number), "x", {}) for number in range(5)] == [None, None, 2, 3, 4]
