"""The command line's small readers."""

import argparse

import pytest

from kak_sim.callers.cli import add_parser, parse_target, run
from kak_sim.callers.location import Place
from kak_sim.callers.registry import parse_tones


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["caller", *words])


@pytest.mark.parametrize(
    ("text", "number", "server"),
    [
        ("sip:113@127.0.0.1:5070", "113", ("127.0.0.1", 5070)),
        ("sip:113@kak.example", "113", ("kak.example", 5060)),
        ("sip:113@[::1]:5070", "113", ("::1", 5070)),
        ("sip:113@[::1]", "113", ("::1", 5060)),
        ("sip:+4711223344@10.0.0.1", "+4711223344", ("10.0.0.1", 5060)),
    ],
)
def test_addresses(text: str, number: str, server: tuple[str, int]) -> None:
    assert parse_target(text) == (number, server)


@pytest.mark.parametrize("text", ["113", "sip:113", "sip:@host", "tel:113", "sip:113@host:x", "sip:113@host:70000"])
def test_what_is_no_address(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_target(text)
    assert run(parse("--to", text)) == 2
    assert "kak-sim caller:" in capsys.readouterr().err


def test_options_are_read() -> None:
    arguments = parse("--to", "sip:113@h", "--tones", "440,880", "--location", "59.91,10.75", "--duration", "3")
    assert (arguments.tones, arguments.location, arguments.duration) == ([440, 880], Place(59.91, 10.75), 3.0)
    with pytest.raises(SystemExit):
        parse("--to", "sip:113@h", "--tones", "440", "--wav", "a.wav")


@pytest.mark.parametrize("text", ["5", "440,9000", "high"])
def test_tones_a_telephone_cannot_carry(text: str) -> None:
    with pytest.raises(ValueError, match=r"not telephone tones|invalid literal"):
        parse_tones(text)


@pytest.mark.parametrize("text", ["91,10", "59.9", "59,10,5,5", "here"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a place|could not convert"):
        Place.parse(text)
