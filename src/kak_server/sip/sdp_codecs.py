"""What the formats of an audio line mean, and which of them is ours: G.711, Opus and telephone-event.

RFC 3551 (static numbers), RFC 7587 (Opus: always opus/48000/2, whatever is really sent), RFC 4733 (digits; their clock
should be that of the audio they go with, section 2.1).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from kak_server.sip.sdp_text import Attribute, Media

Codec = Literal["PCMA", "PCMU", "opus"]
DtmfClock = Literal[8000, 48000]


class Encoding(NamedTuple):
    """What a=rtpmap says of a number: NAME, clock rate in Hz, channels."""

    name: str
    clock_hz: int
    channels: int = 1


class Chosen(NamedTuple):
    """A codec of a line with its number, and the digits that go with it."""

    codec: Codec
    payload_type: int
    dtmf_payload_type: int | None = None
    dtmf_clock_hz: DtmfClock = 8000


CODECS: tuple[Codec, ...] = ("PCMA", "PCMU", "opus")  # the mix is 8 kHz: Opus costs more and sounds no better
_ENCODINGS: Mapping[Codec, Encoding] = {
    "PCMA": Encoding("PCMA", 8000),
    "PCMU": Encoding("PCMU", 8000),
    "opus": Encoding("OPUS", 48_000, 2),
}
_STATIC = {"8": _ENCODINGS["PCMA"], "0": _ENCODINGS["PCMU"]}
_OUR_TYPES: Mapping[Codec, int] = {"PCMA": 8, "PCMU": 0, "opus": 111}
_OUR_DTMF: tuple[tuple[int, DtmfClock], ...] = ((101, 8000), (110, 48000))
_RTPMAP = re.compile(r"([0-9]{1,3}) +([^/ ]+)/([0-9]{1,6})(?:/([0-9]{1,3}))?\Z")
# RFC 7587 7.1: we play and capture 8 kHz mono, and put forward error correction to use
_OPUS_FMTP = "maxplaybackrate=8000;sprop-maxcapturerate=8000;stereo=0;sprop-stereo=0;useinbandfec=1"
_REMEMBERED_CHARS = 64  # a longer a=rtpmap names nothing we know
_DTMF_FMTP = "0-16"


def choose(media: Media, order: Sequence[Codec]) -> Chosen | None:
    """The first codec in `order` that the line has, and its digits; None when it has none of them."""
    numbers = numbers_of(media)
    for codec in order:
        payload_type = numbers.get(_ENCODINGS[codec])
        if payload_type is not None:
            return with_digits(codec, payload_type, numbers)
    return None


def first_of(media: Media, ours: Sequence[Codec]) -> Chosen | None:
    """The line's own first choice among ours: the order of an answer is its preference (RFC 3264 section 6.1)."""
    numbers = numbers_of(media)
    usable = [(numbers[_ENCODINGS[codec]], codec) for codec in ours if _ENCODINGS[codec] in numbers]
    if not usable:
        return None
    places = {text: place for place, text in reversed(list(enumerate(media.formats)))}
    payload_type, codec = min(usable, key=lambda pair: places[str(pair[0])])
    return with_digits(codec, payload_type, numbers)


def codecs_of(media: Media) -> list[Codec]:
    """Which of our codecs a line has, in our order."""
    numbers = numbers_of(media)
    return [codec for codec in CODECS if _ENCODINGS[codec] in numbers]


def numbers_of(media: Media) -> dict[Encoding, int]:
    """The encodings of a line that we understand, each with the first number it has."""
    maps: dict[str, Encoding] = {}
    for value in media.values("rtpmap"):
        mapped = _mapped(value) if len(value) <= _REMEMBERED_CHARS else None
        if mapped is not None:
            maps[mapped[0]] = mapped[1]
    numbers: dict[Encoding, int] = {}
    for text in media.formats:
        encoding = maps.get(text) or _STATIC.get(text)
        if encoding is not None:
            numbers.setdefault(encoding, int(text))
    return numbers


@lru_cache(1024)
def _mapped(value: str) -> tuple[str, Encoding] | None:
    """An a=rtpmap: the number and what it means. Every offer has the same few."""
    match = _RTPMAP.match(value)
    # A map without a clock rate (RFC 4475's own offers have one) names a codec we could not use anyway
    if match is None or int(match.group(1)) > 127:
        return None
    return str(int(match.group(1))), Encoding(match.group(2).upper(), int(match.group(3)), int(match.group(4) or 1))


def with_digits(codec: Codec, payload_type: int, numbers: Mapping[Encoding, int]) -> Chosen:
    """The codec with the telephone-event of its own clock, else (Opus) with the old 8 kHz one."""
    clocks: tuple[DtmfClock, ...] = (48000, 8000) if codec == "opus" else (8000,)
    for clock in clocks:
        dtmf = numbers.get(Encoding("TELEPHONE-EVENT", clock))
        if dtmf is not None:
            return Chosen(codec, payload_type, dtmf, clock)
    return Chosen(codec, payload_type)


def our_formats(codecs: Sequence[Codec]) -> tuple[list[str], list[Attribute]]:
    """The formats of an offer of ours and their attributes, in that order of preference."""
    chosen = [Chosen(codec, _OUR_TYPES[codec]) for codec in codecs]
    digits = [(number, clock) for number, clock in _OUR_DTMF if clock == 8000 or "opus" in codecs]
    return _lines(chosen, digits)


def answered_formats(chosen: Chosen) -> tuple[list[str], list[Attribute]]:
    """The formats of an answer: one codec, and its digits."""
    digits = [] if chosen.dtmf_payload_type is None else [(chosen.dtmf_payload_type, chosen.dtmf_clock_hz)]
    return _lines([chosen], digits)


def _lines(codecs: Sequence[Chosen], digits: Sequence[tuple[int, DtmfClock]]) -> tuple[list[str], list[Attribute]]:
    formats: list[str] = []
    attributes: list[Attribute] = []
    for chosen in codecs:
        formats.append(str(chosen.payload_type))
        encoding = _ENCODINGS[chosen.codec]
        if chosen.codec == "opus":
            attributes.append(("rtpmap", f"{chosen.payload_type} opus/48000/2"))
            attributes.append(("fmtp", f"{chosen.payload_type} {_OPUS_FMTP}"))
        else:
            attributes.append(("rtpmap", f"{chosen.payload_type} {encoding.name}/{encoding.clock_hz}"))
    for number, clock in digits:
        formats.append(str(number))
        attributes += [("rtpmap", f"{number} telephone-event/{clock}"), ("fmtp", f"{number} {_DTMF_FMTP}")]
    return formats, attributes
