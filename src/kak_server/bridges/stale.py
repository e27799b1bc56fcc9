"""What a later output of the same input makes worthless is not sent."""

from kak_server.bridges.outputs import Dirty, Output, Tell

WHOLE = frozenset({"me", "call", "card", "talkgroup", "media"})
"""Events that say a thing whole: of several within one input only the last is worth sending."""


def without_stale_tells(outputs: list[Output]) -> list[Output]:
    """The same outputs, without events and list marks that a later one in the list makes worthless."""
    seen: set[object] = set()
    kept: list[Output] = []
    for output in reversed(outputs):
        if isinstance(output, Tell) and output.name in WHOLE:
            key: object = (
                output.position,
                output.name,
                output.data.get("gssi") or (output.name == "card" and output.data["contact"]),
            )
        elif isinstance(output, Dirty):
            key = output
        else:
            kept.append(output)
            continue
        if key not in seen:
            seen.add(key)
            kept.append(output)
    kept.reverse()
    return kept
