"""Who was considered for a contact: the best by rank, the others counted by reason, in both languages."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from kak_server.model.codec import dumps, from_json, loads
from kak_server.model.ids import ContactId
from kak_server.routing import ranking
from kak_server.routing.api import Activity
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.considering import BEST_MAX, Considered, considered, summary
from kak_server.runtime.explain import Explanation, explanation
from kak_server.runtime.reasons import grouped, known, until_then
from kak_server.runtime.replaying import Replayer, Seen
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk


def crowd(folder: Path) -> JournaledDesk:
    """Seven idle in two rooms, and all kinds of people who cannot."""
    desk = JournaledDesk(folder, queue("113", "oslo", "bergen", skills={"emd": 3}), queue("legevakt", "hamar"))
    for number in range(6):
        desk.sit(f"idle{number}", at=f"i{number}", emd=3 + number)
        desk.wait(1_000)
    desk.sit("bente", "bergen", at="b1", emd=9)
    for number in range(4):
        desk.sit(f"pause{number}", at=f"b-{number}", emd=5, ready=False)
    for number in range(3):
        desk.sit(f"novice{number}", at=f"n-{number}", emd=1)
    for number in range(2):
        desk.sit(f"hamar{number}", "hamar", at=f"h-{number}", emd=5)
    desk.ring("c-first")
    return desk


def decision(told: Explanation | None) -> Considered:
    assert told is not None
    return next(step.considered for step in told.steps if step.text_en.startswith("Offer ") and step.considered)


def test_an_offer_tells_the_best_few_in_order_and_counts_the_others_by_reason(tmp_path: Path) -> None:
    desk = crowd(tmp_path)
    desk.ring("c1")
    desk.journal.close()
    seen = decision(explanation(tmp_path, "c1"))
    assert seen.able == 6
    assert [candidate.operator for candidate in seen.best] == ["idle1", "idle2", "idle3", "idle4", "idle5"]
    assert [candidate.chosen for candidate in seen.best] == [True, False, False, False, False]
    assert {candidate.own_room for candidate in seen.best} == {True}
    assert [(others.count, others.reason_en) for others in seen.others] == [
        (4, "on a break"),
        (3, "lacking skill emd at 3"),
        (2, "in rooms that do not serve 113"),
        (1, "with another offer"),
    ]
    assert seen.others[0].names == ("Pause0", "Pause1", "Pause2")


def test_the_sentence_in_both_languages(tmp_path: Path) -> None:
    desk = crowd(tmp_path)
    desk.ring("c1")
    desk.journal.close()
    told = explanation(tmp_path, "c1")
    assert told is not None
    (step,) = [step for step in told.steps if step.text_en.startswith("Offer")]
    assert step.considered is not None
    said = summary(step.considered, step.at_ms)
    assert said.en == (
        "Considered (nearer rooms first, among them longest idle first): 1. Idle1 (own room, idle 5 s);"
        " 2. Idle2 (own room, idle 4 s);"
        " 3. Idle3 (own room, idle 3 s);"
        " 4. Idle4 (own room, idle 2 s); 5. Idle5 (own room, idle 1 s); 1 more who may be asked;"
        " 10 others: 4 on a break, 3 lacking skill emd at 3, 2 in rooms that do not serve 113, 1 with another offer."
    )
    assert "10 andre: 4 i pause, 3 uten kompetanse emd på nivå 3, 2 i sentraler uten køen 113" in said.nb
    assert said.nb.startswith("Vurdert (nærmeste sentraler først, blant dem lengst ledig først): 1. Idle1 (egen")


def test_who_let_it_pass_comes_last_and_it_is_said(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113"))
    desk.sit("kari", at="p1")
    desk.sit("ola", at="p2")
    desk.ring("c1")
    desk.reject("kari", "c1")
    desk.journal.close()
    told = explanation(tmp_path, "c1")
    assert told is not None
    second = [step.considered for step in told.steps if step.considered][1]
    assert [(candidate.operator, candidate.chosen) for candidate in second.best] == [("ola", True)]
    assert [(others.count, others.reason_en) for others in second.others] == [
        (1, "with another offer")
    ] or second.others


def test_a_contact_that_waits_tells_why_nobody_was_asked(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113", skills={"emd": 3}))
    for number in range(20):
        desk.sit(f"pause{number}", at=f"p{number}", emd=5, ready=False)
    desk.sit("novice", at="n", emd=1)
    desk.ring("c1")
    desk.journal.close()
    told = explanation(tmp_path, "c1")
    assert told is not None
    step = told.steps[1]
    assert step.text_en == "It waits, first in its queue: 20 on a break, 1 lacking skill emd at 3."
    assert step.text_nb == "Den venter, først i køen: 20 i pause, 1 uten kompetanse emd på nivå 3."
    assert step.considered is not None
    assert step.considered.able == 0
    assert (told.complete, told.over) == (True, False)


def test_it_starts_from_the_snapshot_before_the_arrival_even_in_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = crowd(tmp_path)
    desk.journal.checkpoint(desk.core.snapshot())
    desk.ring("c1")
    desk.gone("c1")
    for number in range(3):
        desk.journal.checkpoint(desk.core.snapshot())
        desk.ring(f"later{number}")
    desk.journal.close()
    before = explanation(tmp_path, "c1")
    compact(tmp_path, Keep(), 0)
    assert (tmp_path / "journal-00000002.kj.gz").exists()
    stepped: list[int] = []
    walk = Replayer.walk

    def counting(self: Replayer, first: int = 0, last: int | None = None) -> Iterator[Seen]:
        stepped.append(first)
        return walk(self, first, last)

    monkeypatch.setattr(Replayer, "walk", counting)
    after = explanation(tmp_path, "c1")
    assert after == before
    assert stepped == [2]
    assert after is not None
    assert after.over


def test_the_explanation_survives_json(tmp_path: Path) -> None:
    desk = crowd(tmp_path)
    desk.journal.close()
    told = explanation(tmp_path, "c-first")
    assert told is not None
    assert from_json(Explanation, loads(dumps(told))) == told


def test_looking_changes_nothing(tmp_path: Path) -> None:
    desk = crowd(tmp_path)
    before = desk.core.digest()
    row = desk.core.state.contacts[ContactId("c-first")]
    seen = considered(desk.core.state, row)
    assert desk.core.digest() == before
    assert len(seen.best) == BEST_MAX
    assert "more who may be asked" in summary(seen, desk.now_ms).en
    desk.says("idle1", Activity.BREAK)
    assert considered(desk.core.state, row).able == seen.able - 1
    desk.journal.close()


def reasons_of_the_core() -> list[str]:
    """Every sentence's end that `why_not` may give, with something in place of what is filled in."""
    found: list[str] = []
    tree = ast.parse(inspect.getsource(ranking))
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    for table in tables:
        found += [str(value.value) for value in table.values if isinstance(value, ast.Constant)]
    for function in ast.walk(tree):
        if (
            isinstance(function, ast.FunctionDef)
            and function.returns is not None
            and "str" in ast.unparse(function.returns)
        ):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.JoinedStr):
                    found.append(_filled(node.value))
    return [text for text in found if text]


def _filled(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    assert isinstance(node, ast.JoinedStr)
    parts = [value.value if isinstance(value, ast.Constant) else "x" for value in node.values]
    return "".join(str(part) for part in parts).replace("(xx)", "(break)")


def test_every_reason_of_the_core_has_a_kind_in_both_languages() -> None:
    reasons = reasons_of_the_core()
    assert len(reasons) >= 8, reasons
    for reason in reasons:
        assert known(reason), f"a kind for {reason!r} is missing in runtime/reasons.py"
        for said in (grouped(reason), until_then(reason)):
            assert said.en != said.nb, reason
            assert "\\" not in said.en + said.nb
            assert "{" not in said.en + said.nb


def test_the_step_that_will_change_it_is_said_in_both_languages() -> None:
    said = grouped("sits in room bodo, which is not asked yet (the country from 10 s on)")
    assert said.en == "in rooms that are not asked yet (the country from 10 s on)"
    assert said.nb == "i sentraler som ikke spørres ennå (hele landet fra 10 s)"
    relaxed = "has skill emd at 3, 5 is needed (3 from 2.5 s on, if its condition holds)"
    assert grouped(relaxed).nb == "uten kompetanse emd på nivå 5 (3 fra 2.5 s, hvis vilkåret holder)"
    assert until_then(relaxed).en == "below the level needed (emd 3, 5 was needed)"


def test_an_unknown_reason_is_said_as_it_is() -> None:
    assert grouped("is on the moon").nb == "is on the moon"
    assert not known("is on the moon")
    assert grouped("is not available (training: fire)").nb == "ikke tilgjengelig (training)"
    assert grouped("is not available (break: lunch)").nb == "i pause"
