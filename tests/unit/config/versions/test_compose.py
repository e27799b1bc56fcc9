"""A version and a machine's file to one configuration: the same checks as for a file."""

from kak_server.config.compose import to_users
from kak_server.config.versions.catalogue import Catalogue, edited
from kak_server.config.versions.compose import Composer
from kak_server.config.versions.objects import Key
from tests.unit.config.versions.samples import catalogue, machine, queue


def test_the_version_takes_the_place_of_the_files_lists() -> None:
    base = catalogue()
    version = base.after(edited(base, {**dict([queue("new", numbers=["114"])]), Key("operators", "ola"): None}))
    settings, problems = Composer().whole(machine(), version, {"kari": "$argon2id$x"})
    assert problems == []
    assert settings is not None
    assert [one.id for one in settings.queues] == ["113-oslo", "doctor", "new"]
    assert [(one.username, one.password, one.password_hash) for one in settings.operators] == [
        ("kari", None, "$argon2id$x")
    ]
    assert settings.server.lab


def test_nobody_signs_in_without_a_password() -> None:
    settings, problems = Composer().whole(machine(), catalogue(), {})
    assert problems == []
    assert settings is not None
    assert [user.password_hash for user in to_users(settings)] == ["", ""]


def test_all_problems_of_single_objects_are_told() -> None:
    base = catalogue()
    broken = {Key("queues", "doctor"): '{"id":"doctor","nam":"x"}', Key("rooms", "bergen"): "{}"}
    settings, problems = Composer().whole(machine(), base.after(edited(base, broken)), {})
    assert settings is None
    assert {(str(one.key), one.path) for one in problems} >= {
        ("queues/doctor", "nam"),
        ("queues/doctor", "name"),
        ("rooms/bergen", "id"),
    }


def test_problems_between_objects_name_object_and_place() -> None:
    base = catalogue()
    edits = {**dict([queue("new", rooms=["oslo", "mars"], numbers=["113"])]), Key("rooms", "bergen"): None}
    _, problems = Composer().whole(machine(), base.after(edited(base, edits)), {})
    assert {(str(one.key), one.path) for one in problems} == {
        ("queues/new", "rooms[1]"),
        ("queues/new", "numbers[0]"),
        ("queues/113-oslo", "rooms[1]"),
        ("queues/doctor", "rooms[0]"),
        ("operators/ola", "rooms[1]"),
    }


def test_what_the_file_says_of_a_room_that_goes_is_told_too() -> None:
    file = machine().model_copy(update={"sip": machine().sip.model_copy(update={"emergency_queue": "doctor"})})
    base = catalogue()
    _, problems = Composer().whole(file, base.after(edited(base, {Key("queues", "doctor"): None})), {})
    assert [(one.key, one.path) for one in problems] == [(None, "sip.emergency_queue")]


def test_there_must_be_a_room_and_a_queue() -> None:
    settings, problems = Composer().whole(machine(), Catalogue({}), {})
    assert settings is None
    assert [(one.path, one.text) for one in problems] == [
        ("rooms", "must not be empty"),
    ]
