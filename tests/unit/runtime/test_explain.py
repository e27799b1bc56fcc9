"""The journal tells why a call went where it went, and whether it is whole."""

import argparse
from pathlib import Path

import pytest

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import Activity, Condition, ContactDescribed, Reach, RoomState, RoomStateSet, Step
from kak_server.runtime.archive import Keep
from kak_server.runtime.compaction import compact
from kak_server.runtime.explain import explanation, sentences
from kak_server.runtime.folder import segment_path
from kak_server.runtime.journal import Journal
from kak_server.runtime.journal_cli import main
from tests.unit.routing.desk import queue
from tests.unit.runtime.journaled import JournaledDesk


def arguments(folder: Path, action: str, call: str = "") -> argparse.Namespace:
    return argparse.Namespace(data_dir=folder, action=action, call=call)


def told(folder: Path, call: str) -> list[str]:
    """Without the times."""
    lines = sentences(folder, call)
    assert lines is not None
    return [line.split(") ", 1)[1] if ") " in line[:25] else line.split(" ", 1)[1] for line in lines]


def eventful_day(folder: Path) -> JournaledDesk:
    desk = JournaledDesk(folder, queue("113", "oslo", "bergen", own_room_ms=20_000, skills={"emd": 3}))
    desk.sit("kari", at="p1", emd=5)
    desk.sit("low", at="p2", emd=1)
    desk.sit("bente", "bergen", at="b1", emd=5, ready=False)
    desk.ring("c1", caller="+4790000001")
    desk.wait(3_000)
    desk.ring("c2", caller="+4790000002")
    desk.reject("kari", "c1")
    desk.wait(15_000)
    desk.wait(5_000)
    desk.talk("kari", "c1")
    desk.says("bente", Activity.AVAILABLE)
    desk.accept("bente", "c2", epoch=1)
    desk.joined("c2")
    desk.hold("bente", "c2")
    desk.hold("bente", "c2", on=False)
    desk.media("b1", False)
    desk.wait(1_000)
    desk.media("b1", True)
    desk.media("b1", False)
    desk.wait(5_000)
    desk.accept("bente", "c2", epoch=1)
    desk.hang_up("kari", "c1")
    desk.done("kari")
    desk.talk("kari", "c2")
    desk.gone("c2", "bye")
    return desk


def test_an_eventful_call_is_told_from_arrival_to_end(tmp_path: Path) -> None:
    desk = eventful_day(tmp_path)
    desk.journal.close()
    story = told(tmp_path, "+4790000002")
    assert story[0] == (
        "Call c2 from +4790000002 arrived for queue 113 (113), class emergency, served by oslo and bergen"
        " (oslo alone for 20.0 s), skills needed: emd 3."
    )
    assert story[1] == (
        "It waits, first in its queue: Low has skill emd at 1, 3 is needed; Bente is not available (break);"
        " Kari has another offer."
    )
    text = "\n".join(story)
    for sentence in (
        "The own room's time is over: operators of all the queue's rooms are asked.",
        "Offer 1 to Bente at b1, the only one who may be asked; until then on a break. It rings until",
        "Bente accepted offer 1 after 0.0 s; the legs are being joined.",
        "Connected with Bente at b1.",
        "The operator put the call on hold.",
        "The operator took the call back.",
        "The audio at b1 is gone; Bente has 5.0 s to come back.",
        "The audio at b1 is back; nothing is lost.",
        "Bente had no audio for too long and was taken off the call.",
        "The caller hears an announcement and waits again: head of the class, old arrival time.",
        "Kari could have been asked, and was asked for c1 of queue 113 first: it came earlier (00:16:40.000 UTC).",
        "bente's accept of offer 1 came too late and was refused (offer-gone).",
        "Offer 2 to Kari at p1, the only one who may be asked; until then finishing the last call.",
        "Kari is free, since the caller left.",
    ):
        assert sentence in text, text
    assert story[-1] == "The call ended: the other side hung up (bye)."


def test_a_rejecting_and_a_slow_operator_are_named(tmp_path: Path) -> None:
    eventful_day(tmp_path).journal.close()
    story = "\n".join(told(tmp_path, "c1"))
    assert "Offer 1 to Kari at p1, the only one who may be asked. It rings until" in story
    assert "Kari said no (offer 1)." in story
    assert "Kari did not answer in time (offer 2)." in story
    assert "Kari hung up." in story


def test_last_means_the_newest_and_unknown_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eventful_day(tmp_path / "journal").journal.close()
    assert main(arguments(tmp_path, "explain", "last")) == 0
    assert "Call c2 from" in capsys.readouterr().out
    assert main(arguments(tmp_path, "explain", "c99")) == 1
    assert "no call 'c99'" in capsys.readouterr().err


def test_no_journal_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path / "nowhere", "verify")) == 2
    assert main(arguments(tmp_path, "explain", "last")) == 2
    assert "no journal" in capsys.readouterr().err


def test_a_call_over_a_restart_and_a_checkpoint(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path)
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.journal.checkpoint(desk.core.snapshot())
    desk.journal.close()
    desk.journal, _ = Journal.open(tmp_path, now_ms=2)
    desk.journal.checkpoint(desk.core.snapshot())
    desk.journal.checkpoint(desk.core.snapshot())
    desk.journal.close()
    assert compact(tmp_path, Keep(total_bytes=1), 0).dropped == (1, 2)  # the segments with the arrival go
    desk.journal, replay = Journal.open(tmp_path, now_ms=3)
    assert not segment_path(tmp_path, 1).exists()
    assert replay.events == ()
    desk.wait(61_000)
    desk.hang_up("kari", "c1")
    desk.journal.close()
    story = sentences(tmp_path, "c1")
    assert story is not None
    assert "What can be read of the journal begins after it came to queue 113 at " in story[0]
    assert "The server started again (generation 3); the call goes on." in story[1]
    assert "(+61.0 s) Kari hung up." in story[2]
    assert "The call ended: the operator hung up (operator-hangup)." in story[3]


def test_a_call_whose_arrival_is_gone_is_not_told_as_if_it_were_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = JournaledDesk(tmp_path)
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    for _ in range(3):
        desk.journal.checkpoint(desk.core.snapshot())
    assert 1 in compact(tmp_path, Keep(total_bytes=1), 0).dropped
    desk.wait(61_000)
    desk.hang_up("kari", "c1")
    desk.journal.close()
    assert main(arguments(tmp_path, "explain", "c1")) == 3
    said = capsys.readouterr()
    first, second = said.out.splitlines()[:2]
    assert first.endswith("what happened to it before is not known.")
    assert "(+61.0 s) Kari hung up." in second
    assert said.err == (
        "kak-server: not all of c1 could be told: how it came is not in what can be read of the journal\n"
    )
    told_of = explanation(tmp_path, "c1")
    assert told_of is not None
    assert (told_of.complete, told_of.began, told_of.over, told_of.known) == (False, False, True, True)
    assert told_of.steps[0].text_nb.endswith("hva som skjedde med den før det, er ikke kjent.")


def test_a_call_that_was_quiet_for_whole_segments_is_told_from_its_arrival(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path)
    desk.sit("kari", at="p1")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.journal.checkpoint(desk.core.snapshot())
    desk.ring("c2")
    for _ in range(3):
        desk.journal.checkpoint(desk.core.snapshot())
    desk.hang_up("kari", "c1")
    desk.journal.close()
    assert compact(tmp_path, Keep(), 0).archived, "their contacts are known from indexes"
    told_of = explanation(tmp_path, "c1")
    assert told_of is not None
    assert (told_of.complete, told_of.began, told_of.over) == (True, True, True)
    assert told_of.steps[0].text_en.startswith("Call c1 from ")


def test_a_call_that_is_up_says_where_it_is(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path)
    desk.ring("c1")
    desk.journal.close()
    story = told(tmp_path, "c1")
    assert story[-2] == "It waits, first in its queue: nobody is signed in."
    assert story[-1] == "Here the journal ends; the call is waiting."


def test_transfer_and_moving_seat_are_told(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113"), queue("bergen", "bergen"))
    desk.sit("kari", at="p1")
    desk.sit("ola", at="p5")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.sit("kari", at="p2")
    desk.transfer("kari", "c1", "bergen")
    desk.sit("bente", "bergen", at="b1")
    desk.leave("bente")
    desk.journal.close()
    story = "\n".join(told(tmp_path, "c1"))
    assert "Offer 1 to Kari at p1, first of 2 who may be asked (longest idle first)" in story
    assert "Kari moved from p1 to p2 with the call." in story
    assert "Kari passed the call on." in story
    assert "It waits in queue bergen now, with its old arrival time (served by bergen)." in story
    assert "Bente signed out while it rang (offer 2)." in story


def test_who_is_sought_to_talk_with_first_is_told_and_that_nobody_came(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113"), queue("legevakt", "bergen"))
    desk.sit("kari")
    desk.ring("c1")
    desk.talk("kari", "c1")
    desk.sit("ola", "bergen")
    desk.seek("kari", "c1", "legevakt")
    desk.reject("ola", "c1", desk.guest_epoch("c1", "ola"))
    desk.seek("kari", "c1", room="bergen")
    desk.drop("kari", "c1", "ola")
    desk.journal.close()
    story = "\n".join(told(tmp_path, "c1"))
    for sentence in (
        "Kari asked for somebody of queue legevakt to talk with first.",
        "Kari asked Ola to talk with them first.",
        "Nobody is left in queue legevakt to ask; 1 were asked. Kari has the caller still.",
        "Kari seeks nobody of room bergen any more.",
    ):
        assert sentence in story, story


def test_an_invitation_is_timed_from_when_it_rang_and_has_no_number(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113"))
    desk.sit("kari")
    desk.ring("c1")
    desk.wait(1_000)
    desk.talk("kari", "c1")
    desk.wait(60_000)
    desk.sit("ola")
    desk.invite("kari", "c1", "ola")
    desk.wait(2_600)
    desk.accept("ola", "c1", desk.guest_epoch("c1", "ola"))
    desk.sit("eva")
    desk.invite("kari", "c1", "eva", "conference")
    desk.reject("eva", "c1", desk.guest_epoch("c1", "eva"))
    desk.journal.close()
    story = "\n".join(told(tmp_path, "c1"))
    assert "Kari accepted offer 1 after 1.0 s" in story
    assert "Ola accepted the invitation after 2.6 s" in story
    assert "1000001" not in story, story


def test_an_evacuated_room_is_told(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113", "oslo", "bergen", own_room_ms=60_000))
    desk.sit("kari", at="p1")
    desk.sit("bente", "bergen", at="b1")
    desk.ring("c1")
    desk.send(RoomStateSet(desk.now_ms, RoomId("oslo"), RoomState.EVACUATED, OperatorId("sofie"), "fire"))
    story = "\n".join(told(tmp_path, "c1"))
    assert "Kari sits in a room that was evacuated while it rang (offer 1)." in story
    assert "Offer 2 to Bente at b1" in story


def test_a_whole_journal_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = eventful_day(tmp_path)
    desk.journal.checkpoint(desk.core.snapshot())
    desk.ring("c3")
    desk.journal.close()
    assert main(arguments(tmp_path, "verify")) == 0
    out = capsys.readouterr().out
    assert "the journal is whole" in out
    assert "1 snapshot(s) compared" in out
    assert "1 contacts and 3 operators" in out


def test_damage_and_a_lying_checkpoint_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = eventful_day(tmp_path)
    lie = desk.core.snapshot()
    lie["operators"][0]["missed"] = 99
    desk.journal.checkpoint(lie)
    desk.journal.append_event(desk.events[-1])
    desk.journal.close()
    assert main(arguments(tmp_path, "verify")) == 1
    assert "differs from the replay" in capsys.readouterr().out
    path = segment_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[data.index(b'"OfferRejected"') + 2] ^= 1
    path.write_bytes(data)
    assert main(arguments(tmp_path, "verify")) == 1
    assert "checksum is wrong" in capsys.readouterr().out
    story = sentences(tmp_path, "c1")
    assert story is not None
    assert any("Warning: the journal has a hole here" in line for line in story)


def broken(folder: Path, *words: bytes) -> None:
    """One byte of the first record with each of these is another now."""
    path = segment_path(folder, 1)
    data = bytearray(path.read_bytes())
    for word in words:
        data[data.index(word) + 2] ^= 1
    path.write_bytes(data)


def test_a_contact_within_a_hole_is_told_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its arrival cannot be read: what follows of it means nothing, and its end is not known."""
    desk = JournaledDesk(tmp_path, queue("113"))
    desk.sit("kari", at="p1")
    desk.ring("c10")
    desk.talk("kari", "c10")
    desk.hang_up("kari", "c10")
    desk.journal.close()
    broken(tmp_path, b'"ContactArrived"')
    told_of = explanation(tmp_path, "c10")
    assert told_of is not None
    assert (told_of.complete, told_of.over, told_of.known) == (False, False, False)
    (step,) = told_of.steps
    assert step.text_en.startswith("What is missing of contact c10 cannot be read any more: journal-00000001")
    assert "it concerned contact c10" in step.text_en
    assert step.text_nb.startswith("Det som mangler om c10, kan ikke leses lenger: ")
    assert main(arguments(tmp_path, "explain", "c10")) == 3
    said = capsys.readouterr()
    assert "What is missing of contact c10" in said.out
    assert said.err == (
        "kak-server: not all of c10 could be told: what became of it is not in what can be read of the journal\n"
    )


def test_a_hole_elsewhere_leaves_the_end_known(tmp_path: Path) -> None:
    eventful_day(tmp_path).journal.close()
    broken(tmp_path, b'"OfferRejected"')
    told_of = explanation(tmp_path, "c1")
    assert told_of is not None
    assert (told_of.complete, told_of.known) == (False, True)


def test_the_rooms_concerned_are_those_of_its_queues_and_of_who_was_asked(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113", "oslo", "bergen"), queue("r", "moss"))
    desk.sit("bente", "bergen", at="b1")
    desk.ring("c1")
    desk.talk("bente", "c1")
    desk.transfer("bente", "c1", "r")
    desk.journal.close()
    told_of = explanation(tmp_path, "c1")
    assert told_of is not None
    assert told_of.rooms == ("oslo", "bergen", "moss")


def test_what_becomes_known_of_a_caller_is_told_and_whom_it_brings(tmp_path: Path) -> None:
    here = Condition(areas=("0301",))
    steps = (Step(reach=Reach.OWN), Step(when=here, reach=Reach.QUEUE))
    desk = JournaledDesk(tmp_path, queue("113", "oslo", "bergen", workflow=steps))
    desk.sit("kari", "bergen", at="p1")
    desk.ring("c1")
    desk.wait(1_000)
    desk.send(ContactDescribed(desk.now_ms, ContactId("c1"), area="0301", language=""))
    desk.journal.close()
    story = "\n".join(told(tmp_path, "c1"))
    assert "More is known of it now: municipality 0301, language unknown." in story
    assert "Offer 1 to Kari at p1" in story


def test_a_call_out_its_hand_over_and_its_way_back_are_told(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113"))
    desk.sit("kari", at="p1")
    desk.dial("kari", "c1", number="+4722334455")
    desk.joined("c1")
    desk.hand_over("kari", "c1")
    desk.pull_back("kari", "c1")
    desk.joined("c1")
    desk.hand_over("kari", "c1")
    desk.leave("kari")
    desk.handover_failed("c1")
    desk.journal.close()
    story = "\n".join(told(tmp_path, "+4722334455"))
    assert "Kari at p1 called +4722334455 (call c1, queue outgoing-oslo)." in story
    assert "Kari left; the others talk on without an operator." in story
    assert "Kari at p1 pulled the call back." in story
    assert "It waits, first in its queue: nobody is signed in." in story


def test_why_it_waits_is_said_again_only_when_it_is_another_reason(tmp_path: Path) -> None:
    desk = JournaledDesk(tmp_path, queue("113", "oslo", "bergen", own_room_ms=5_000))
    desk.ring("c1")
    desk.wait(6_000)
    desk.sit("kari", at="p1")
    desk.leave("kari")
    desk.journal.close()
    story = told(tmp_path, "c1")
    nobody = "It waits, first in its queue: nobody is signed in."
    assert any(line.startswith("The own room's time is over") for line in story)
    assert story.count(nobody) == 2, story
    assert story.index(nobody) == 1


@pytest.mark.parametrize("about", ["", "113"])
def test_who_was_called_and_lost_the_operator_is_not_told_to_have_rung(tmp_path: Path, about: str) -> None:
    desk = JournaledDesk(tmp_path, queue("113", "oslo"))
    desk.sit("ada")
    desk.dial("ada", "c1", about, "+4722222222")
    desk.joined("c1")
    desk.media("oslo-ada", False)
    desk.wait(10_000)
    desk.journal.close()
    text = "\n".join(told(tmp_path, "c1"))
    assert "Whoever was called hears an announcement and waits: head of the class." in text
    assert "The caller" not in text
