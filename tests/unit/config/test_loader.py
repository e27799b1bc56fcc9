"""A file becomes settings or the whole list of problems, each with its path and line."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from kak_server.config.loader import FILE_BYTES_MAX, load_settings, parse_settings
from kak_server.config.problems import ConfigError, Problem, dotted

MINIMAL = """\
rooms:
  - {id: amk, name: AMK, positions: 2}
queues:
  - {id: q, name: Q, numbers: [113], rooms: [amk]}
"""


def problems_of(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, overrides=overrides)
    return [str(problem) for problem in caught.value.problems]


def test_defaults_make_a_short_file_enough() -> None:
    settings = parse_settings(MINIMAL)
    assert settings.server.http.port == 8080
    assert settings.queues[0].numbers == ("113",)
    assert settings.rooms[0].seats() == (("amk-1", "AMK 1"), ("amk-2", "AMK 2"))
    assert settings.worker_socket == Path("var/kak-server/worker.sock")


def test_settings_are_frozen() -> None:
    settings = parse_settings(MINIMAL)
    with pytest.raises(ValidationError):
        settings.server.name = "other"  # type: ignore[misc]


def test_unknown_keys_are_named_with_path_and_line() -> None:
    assert problems_of(MINIMAL + "server:\n  http: {prot: 1}\nsnurr: 1\n") == [
        "line 6: server.http.prot: unknown key",
        "line 7: snurr: unknown key",
    ]


def test_all_problems_are_listed_at_once_in_the_order_of_the_file() -> None:
    text = """\
server:
  nam: x
  http: {port: 99999}
sip:
  unknown_peers: 403
  trunks: [{name: a, sources: [300.1.2.3]}]
rooms:
  - {id: a, name: A, positions: many}
  - {id: b, name: B, positions: [{id: x}]}
queues:
  - {id: q, name: {no: x}, rooms: c, class: silly}
operators: 5
"""
    assert problems_of(text) == [
        "line 2: server.nam: unknown key",
        "line 3: server.http.port: should be less than or equal to 65535",
        "line 6: sip.trunks[0].sources[0]: '300.1.2.3' is not an IP address or a network such as 192.0.2.0/24",
        "line 8: rooms[0].positions: should be a valid integer, unable to parse string as an integer",
        "line 9: rooms[1].positions[0].name: missing",
        "line 11: queues[0].name.nb: missing",
        "line 11: queues[0].name.no: unknown key",
        "line 11: queues[0].class: should be 'emergency', 'urgent' or 'normal'",
        "line 11: queues[0].rooms: expected a list",
        "line 12: operators: expected a list",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["rooms: missing", "queues: missing"]),
        ("server:\n", ["rooms: missing", "queues: missing"]),
        ("- a\n", ["expected sections (server:, rooms: ...) at the top"]),
        ("just words", ["expected sections (server:, rooms: ...) at the top"]),
        ("42", ["expected sections (server:, rooms: ...) at the top"]),
        (MINIMAL.replace("[amk]", "[]"), ["line 4: queues[0].rooms: must not be empty"]),
        (MINIMAL.replace("id: q,", "id: Q!,"), ["line 4: queues[0].id: not of the form ^[a-z0-9][a-z0-9._-]{0,63}$"]),
    ],
)
def test_odd_files(text: str, expected: list[str]) -> None:
    assert problems_of(text) == expected


def test_text_problems_and_value_problems_come_together() -> None:
    assert problems_of(MINIMAL + "sip: {port: 5060, port: 5061}\nserver: {x: 1}\n") == [
        "line 5: sip.port: given twice (first on line 5)",
        "line 6: server.x: unknown key",
    ]


LAB_OPERATOR = "operators: [{username: kari, name: K, password: lab, rooms: [amk]}]\n"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (LAB_OPERATOR, "operators[0].password: clear-text passwords are for a lab only (server.lab: true)"),
        (
            "operators: [{username: k, name: K, rooms: [amk]}]\n",
            "operators[0]: user k needs either password_hash or (in a lab) password",
        ),
        (
            "operators: [{username: k, name: K, password_hash: sha1, rooms: [amk]}]\n",
            "operators[0].password_hash: not an argon2id hash ($argon2id$...)",
        ),
        (
            "media: {rtp_port_min: 30000, rtp_port_max: 29000}\n",
            "media.rtp_port_min: rtp_port_min 30000 is above rtp_port_max 29000",
        ),
        ("media: {rtp_port_max: 24000}\n", "media.ice_port_min: the ICE ports and the RTP ports overlap"),
        ("sip: {port: 20000}\n", "sip.port: SIP port 20000 lies within the RTP ports"),
        ("sip: {port: 8080}\n", "sip.port: SIP over TCP and HTTP both want port 8080"),
        ("server: {http: {tls: {}}}\n", "server.http.tls: cert and key are both needed (or self_signed: true)"),
        (
            "server: {http: {tls: {self_signed: true, cert: a.pem, key: b.pem}}}\n",
            "server.http.tls: either self_signed or cert and key, not both",
        ),
        (
            "radio: {gateways: [{name: a, url: 'ws://x'}]}\n",
            "radio.gateways[0].url: plain ws:// is for a lab only (server.lab: true); use wss://",
        ),
        (
            "radio: {talkgroups: [{gssi: 1, name: a, rooms: [amk]}]}\n",
            "radio.talkgroups: talkgroups without a gateway: add radio.gateways",
        ),
        (
            f"server: {{data_dir: /{'x' * 120}}}\n",
            f"server.data_dir: the path of the worker's socket is too long for the system: /{'x' * 120}/worker.sock",
        ),
        ("radio: {heartbeat_ms: 6000}\n", "radio.stale_after_ms: must be longer than heartbeat_ms"),
        (
            "sip: {trunks: [{name: a, sources: ['::1']}, {name: a, sources: ['::2']}]}\n",
            "sip.trunks[1].name: trunk a is used twice",
        ),
    ],
)
def test_checks_between_sections(more: str, expected: str) -> None:
    found = problems_of(MINIMAL + more)
    assert [problem.removeprefix("line 5: ") for problem in found] == [expected]


def test_names_must_exist_and_be_unique() -> None:
    text = """\
server: {lab: true}
rooms:
  - {id: a, name: A, positions: 1}
  - {id: a, name: B, positions: 1}
queues:
  - {id: q, name: Q, numbers: [113], rooms: [a, nowhere]}
  - {id: r, name: R, numbers: [112, 113], rooms: [a]}
operators:
  - {username: k, name: K, password: lab, rooms: [b]}
"""
    assert problems_of(text) == [
        "line 4: rooms[1].id: room a is used twice",
        "line 4: rooms[1].positions: position a-1 is used twice",
        "line 6: queues[0].rooms[1]: there is no room nowhere",
        "line 7: queues[1].numbers[1]: number 113 leads to queue q already",
        "line 9: operators[0].rooms[0]: there is no room b",
    ]


def test_overrides_of_the_command_line() -> None:
    settings = parse_settings(
        MINIMAL, overrides=["server.http.port=9000", "server.lab=true", "sip.advertised_address=192.0.2.1"]
    )
    assert settings.server.http.port == 9000
    assert settings.server.lab is True
    assert settings.sip_address == "192.0.2.1"


def test_bad_overrides_are_problems_without_a_line() -> None:
    assert problems_of(MINIMAL, "sip.port", "server.http.port=x", "rooms.x=1", "server.x.y=1") == [
        "override 'sip.port' is not of the form section.key=value",
        "rooms.x: override 'rooms.x=1': rooms is not a section",
        "server.http.port: should be a valid integer, unable to parse string as an integer",
        "server.x: unknown key",
    ]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "kak.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load_settings(path).queues[0].id == "q"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("navn: bokmål".encode("latin-1"))
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    for path, words in [
        (tmp_path / "none.yaml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (latin, "not UTF-8 text (byte 10)"),
        (huge, "larger than"),
    ]:
        with pytest.raises(ConfigError, match="1 problem") as caught:
            load_settings(path)
        assert words in str(caught.value)
        assert str(path) in str(caught.value)


HOSTILE_VALUES: list[Any] = [
    "", "x" * 100_000, -1, 2**40, 1.5, True, None, [], ["x"], {}, {"a": {"b": 1}}, "../../etc/passwd", "\u202e"
]  # fmt: skip


def _leaves(value: Any, location: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [location, *(leaf for key, inner in items for leaf in _leaves(inner, (*location, key)))]


def test_any_value_in_any_place_is_taken_or_refused_with_words() -> None:
    """Each key of the lab's file takes each odd value in turn: settings, or ConfigError with a line; nothing else."""
    text = Path(__file__).parents[3].joinpath("configs/lab.yaml").read_text(encoding="utf-8")
    good = yaml.safe_load(text)
    refused: list[ConfigError] = []
    for location in [leaf for leaf in _leaves(good) if leaf][::9]:
        for bad in HOSTILE_VALUES:
            changed = copy.deepcopy(good)
            target = changed
            for key in location[:-1]:
                target = target[key]
            target[location[-1]] = bad
            try:
                parse_settings(yaml.safe_dump(changed, allow_unicode=True))
            except ConfigError as error:
                refused.append(error)
    assert len(refused) > 150
    for refusal in refused:
        assert all(problem.text and (problem.line or problem.text == "missing") for problem in refusal.problems)


def test_problems_name_their_place() -> None:
    assert dotted(("queues", 0, "rooms", 1)) == "queues[0].rooms[1]"
    assert dotted(()) == ""
    assert str(Problem(("a", "b"), "is odd", 3)) == "line 3: a.b: is odd"
    assert str(Problem((), "is odd")) == "is odd"
    error = ConfigError("f.yaml", [Problem((), "later"), Problem(("a",), "first", 2)])
    assert str(error) == "f.yaml: 2 problems\n  line 2: a: first\n  later"
