"""What people usually do, for what never happened: medians of what was seen."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from kak_server.routing import api
from kak_server.runtime.whatif.recording import Recording

ANSWER_MS, JOIN_MS, TALK_MS = 4_000, 200, 120_000
"""Where nothing at all was seen."""

TALK_ENDS = api.HangUp | api.ContactGone | api.ChatIdle


class Habits:
    """Answer times by operator, joins, talks by queue, paper work."""

    def __init__(self, recording: Recording) -> None:
        answers: dict[str, list[int]] = defaultdict(list)
        joins: list[int] = []
        talks: dict[str, list[int]] = defaultdict(list)
        wraps: list[int] = []
        releases = 0
        queue_of = {
            str(one.event.contact): str(one.event.queue)
            for one in recording.outside
            if isinstance(one.event, api.ContactArrived)
        }
        for anchor in recording.seen:
            releases += anchor[0] == "release"
            for scripted in recording.scripts.get(anchor, ()):
                if anchor[0] == "offer" and isinstance(scripted.event, api.OfferAccepted):
                    answers[anchor[2]].append(scripted.after_ms)
                elif anchor[0] == "join" and isinstance(scripted.event, api.ContactConnected):
                    joins.append(scripted.after_ms)
                elif anchor[0] == "talk" and isinstance(scripted.event, TALK_ENDS):
                    talks[queue_of.get(anchor[1], "")].append(scripted.after_ms)
                elif anchor[0] == "release" and isinstance(scripted.event, api.WrapUpDone):
                    wraps.append(scripted.after_ms)
        self._answers = {operator: _median(times, ANSWER_MS) for operator, times in answers.items()}
        self._answer = _median([each for times in answers.values() for each in times], ANSWER_MS)
        self._talks = {queue: _median(times, TALK_MS) for queue, times in talks.items()}
        self._talk = _median([each for times in talks.values() for each in times], TALK_MS)
        self.join_ms = _median(joins, JOIN_MS)
        self.wrap_ms = _median(wraps, 0) if 2 * len(wraps) > releases else None
        """Paper work, where most of it was ended by people; None: it lasts as long as the rules say."""

    def answer_ms(self, operator: str) -> int:
        """How long the operator lets an offer ring."""
        return self._answers.get(operator, self._answer)

    def talk_ms(self, queue: str) -> int:
        """How long a conversation of this queue takes."""
        return self._talks.get(queue, self._talk)


def _median(times: Sequence[int], otherwise: int) -> int:
    return int(median(times)) if times else otherwise
