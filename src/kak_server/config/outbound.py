"""Sections of calls of ours: the numbering plan, and which trunks a number is reached by."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from kak_server.config.fields import DialNumber, Identifier, Section, Text, number_as_text

Prefix = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^(\*|\+[0-9]{0,15}|[0-9]{1,8})$")]
CountryCode = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^[1-9][0-9]{0,2}$")]
Digits = Annotated[str, BeforeValidator(number_as_text), Field(pattern=r"^[0-9]{0,4}$")]


class NumberingSection(Section):
    """The country's telephone numbers: how they are told apart from others and brought into one form."""

    country_code: CountryCode = Field("47", description="of national numbers (ITU-T E.164)")
    national_digits: tuple[Annotated[int, Field(ge=4, le=13)], ...] = Field(
        (8, 12), min_length=1, max_length=10, description="how many digits a national number may have"
    )
    short_digits_max: int = Field(6, ge=2, le=7, description="numbers of so many digits are short ones (113, 116117)")
    trunk_prefix: Digits = Field("0", description="may stand in front of a national number; empty: nothing does")


class ServiceSection(Section):
    """A service that operators call into a conversation, several in one action: 110 and 112."""

    id: Identifier = Field(description="short name, in commands")
    name: Text = Field(description="name on the consoles")
    number: DialNumber = Field(description="number that is called")


class OutboundRouteSection(Section):
    """A rule for calls of ours: numbers, and trunks in order of preference. The exact number counts before the
    longest prefix. Numbers of no route cannot be called."""

    name: Identifier = Field(description="short name, in logs")
    numbers: tuple[DialNumber, ...] = Field((), max_length=1_000, description="exact numbers, in any usual form")
    prefixes: tuple[Prefix, ...] = Field(
        (), max_length=1_000, description="starts of numbers: `+47`, `1`, or `*` for all that no other route has"
    )
    trunks: tuple[Identifier, ...] = Field(
        (), max_length=32, description="trunks, or groups of trunks, the next where one fails; none: barred"
    )
    caller: DialNumber | None = Field(None, description="number we call from; the caller's own where missing")
    emergency: bool = Field(False, description="calls to emergency services: marked as such, never held back by us")
