"""How a queue's callers are handled: redials, surges, silent calls, blocked numbers."""

from typing import Literal

from pydantic import Field

from kak_server.bridges.handling import Handling
from kak_server.config.fields import Section, Text


class SilentProcedure(Section):
    """What the operator is to do with a silent call."""

    nb: Text = Field(description="bokmål")
    en: Text | None = Field(None, description="English; bokmål when missing")


class CallersSection(Section):
    """What is made of callers besides answering them. 0 turns a thing off."""

    redial_minutes: int = Field(
        10, ge=0, le=240, description="a number that rings again so soon joins its first call's case and place"
    )
    call_back: bool | None = Field(
        None,
        description="who leaves before anybody answered is listed to be called back; true for class emergency and "
        "urgent, else false",
    )
    surge_calls: int = Field(
        6, ge=0, le=1_000, description="so many calls from one spot within surge_minutes are shown as one incident"
    )
    surge_area_calls: int = Field(
        10, ge=0, le=1_000, description="the same for calls of which only the municipality is known"
    )
    surge_minutes: int = Field(5, ge=1, le=120, description="time in which they come, and after which it is over")
    silent_hint_s: int | None = Field(
        None,
        ge=0,
        le=120,
        description="an answered caller without a word for so long is pointed out; 12 for class emergency, else 0",
    )
    silent_procedure: SilentProcedure | None = Field(None, description="shown on the card of a silent call")
    chat_idle_minutes: int = Field(
        15,
        ge=0,
        le=1_440,
        description="a chat in which nobody has written for so long ends by itself, if the operator wrote last; it is "
        "only pointed out where the citizen did, and in class emergency",
    )
    blocked_numbers: Literal["accept", "announce", "busy", "decline"] = Field(
        "accept",
        description="callers on the list of blocked numbers: operators get them all the same, or the caller hears an "
        "announcement, 486 or 603; class normal only",
    )


def to_handling(section: CallersSection, klass: str) -> Handling:
    """What the bridges are told."""
    hint_s = section.silent_hint_s if section.silent_hint_s is not None else 12 if klass == "emergency" else 0
    text = section.silent_procedure
    return Handling(
        redial_ms=section.redial_minutes * 60_000,
        surge_calls=section.surge_calls,
        surge_area_calls=section.surge_area_calls,
        surge_ms=section.surge_minutes * 60_000,
        silent_hint_ms=hint_s * 1_000,
        silent_procedure_nb=text.nb if text is not None else "",
        silent_procedure_en=(text.en or text.nb) if text is not None else "",
        chat_idle_ms=section.chat_idle_minutes * 60_000,
        blocked=section.blocked_numbers,
        call_back=section.call_back,
    )
