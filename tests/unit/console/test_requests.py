"""Request models are strict, bounded and complete."""

import pytest
from pydantic import BaseModel, ValidationError

from kak_server.console import arguments, requests
from kak_server.console.arguments import COMMANDS, Incoming
from kak_server.console.requests import LabPtt, LabRing, PositionMedia, SignIn


def test_every_request_model_refuses_unknown_keys_and_conversions() -> None:
    models = [
        model
        for model in (*vars(requests).values(), *vars(arguments).values())
        if isinstance(model, type) and issubclass(model, BaseModel) and issubclass(model, Incoming)
    ]
    assert len(models) > 15
    for model in models:
        assert model.model_config.get("extra") == "forbid", model
        assert model.model_config.get("strict") is True, model


def test_the_commands_are_those_of_the_page() -> None:
    assert set(COMMANDS) == {
        "activity.set",
        "contact.accept",
        "contact.reject",
        "contact.hangup",
        "contact.hold",
        "contact.transfer",
        "contact.say",
        "contact.patch",
        "contact.unpatch",
        "patch.talk",
        "wrapup.done",
        "wrapup.extend",
        "staff.force",
        "handover.cancel",
        "handover.now",
        "loan.ask",
        "loan.agree",
        "loan.answer",
        "loan.end",
        "room.set",
        "talkgroup.monitor",
        "ptt",
        "video.invite",
        "contact.dial",
        "contact.callback",
        "party.add",
        "party.private",
        "party.drop",
        "contact.conference",
        "contact.leave",
        "contact.transfer_out",
        "contact.refer",
        "contact.pull_back",
        "contact.dtmf",
        "position.phone",
        "contact.silent",
        "contact.park",
        "contact.unpark",
        "contact.transfer_operator",
        "contact.transfer_room",
        "colleague.invite",
        "contact.consult_queue",
        "contact.consult_room",
        "colleague.drop",
        "consult.complete",
        "consult.merge",
        "consult.swap",
        "contact.listen",
        "contact.take_over",
        "contact.read",
        "number.flag",
        "number.unflag",
    }


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (SignIn, {"username": "kari", "password": ""}),
        (SignIn, {"username": "kari", "password": "x" * 1_025}),
        (PositionMedia, {"seat_epoch": 1}),
        (PositionMedia, {"seat_epoch": 1, "sdp": "x" * 65_537}),
        (LabRing, {"number": "113\n"}),
        (LabRing, {"number": "113", "duration_s": 0}),
        (LabPtt, {"on": True, "source": "file:/etc/passwd"}),
        (arguments.DialArgs, {"number": "sip:root@example.org"}),
        (arguments.DialArgs, {"number": "+"}),
        (arguments.ConferenceArgs, {"contact": "c1", "services": []}),
        (arguments.ConferenceArgs, {"contact": "c1", "services": ["110"] * 9}),
        (arguments.DtmfArgs, {"contact": "c1", "digits": "12x"}),
    ],
)
def test_what_does_not_fit(model: type[BaseModel], body: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_the_largest_sdp_fits() -> None:
    assert PositionMedia(seat_epoch=1, sdp="x" * 65_536).rtp is None
