"""Whether those who were called for a caller without an operator have helped: an answering machine has not."""

from kak_server.bridges.line import Party
from kak_server.routing.views import ContactView

HEARD_MS = 30_000
"""Whoever hangs up sooner after answering has not heard the caller: most greetings of machines are over by then."""

LOST = ("gone", "no-media", "lost-in-restart")
"""Ends that are nobody's hanging up."""


def is_unheard(view: ContactView, party: Party, ended_ms: int) -> bool:
    """Of the last one who was with the caller of a contact that was handed over: it hung up at once. Those whom an
    operator has talked with before leaving decide for themselves when the call is over."""
    talked_ms = ended_ms - party.answered_at_ms
    return _was_called_blindly(view, party) and talked_ms < HEARD_MS


def is_lost(view: ContactView, party: Party, cause: str) -> bool:
    """Nobody hung up: the connection broke."""
    return _was_called_blindly(view, party) and cause in LOST


def _was_called_blindly(view: ContactView, party: Party) -> bool:
    """It answered when no operator was there any more (or never was)."""
    return bool(party.answered_at_ms) and party.answered_at_ms > view.since_ms
