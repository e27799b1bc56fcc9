"""Notices of the shells to everybody at a console, in the form of the position API."""

from collections.abc import Callable

from kak_server.bridges.outputs import TellAll


def trunk_notice(trunk: str, *, up: bool) -> Callable[[int], TellAll]:
    """A carrier stopped answering our OPTIONS, or answers again; give it the time (UTC ms) of the telling."""
    name = f"trunk-{trunk}"
    if up:
        return lambda _now_ms: TellAll("notice.cleared", {"id": name})
    return lambda now_ms: TellAll(
        "notice",
        {
            "id": name,
            "level": "warning",
            "code": "trunk-down",
            "text_nb": f"Teleoperatøren {trunk} svarer ikke. Nye anrop derfra kan utebli.",
            "text_en": f"The carrier {trunk} does not answer. New calls from it may fail to arrive.",
            "at_ms": now_ms,
        },
    )
