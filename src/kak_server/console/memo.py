"""What was answered to which command id, so that a repeated command is answered as the first time."""

from collections import OrderedDict
from typing import Generic, TypeVar

from kak_server.model.codec import Json, dumps
from kak_server.model.light import frozen

ANSWER = TypeVar("ANSWER")


class IdReusedError(Exception):
    """The id was given before to a different command."""


@frozen
class _Remembered(Generic[ANSWER]):
    asked: bytes
    answer: ANSWER


class Memo(Generic[ANSWER]):
    """The last `size` answers of one session, by command id."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._answers: OrderedDict[str, _Remembered[ANSWER]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def recall(self, command_id: str, name: str, args: Json) -> ANSWER | None:
        """The first answer, or None for a new id. Raises IdReusedError when name or arguments differ from the first."""
        found = self._answers.get(command_id)
        if found is None:
            return None
        if found.asked != dumps([name, args]):
            raise IdReusedError(command_id)
        return found.answer

    def remember(self, command_id: str, name: str, args: Json, answer: ANSWER) -> None:
        """Keep an answer; the oldest one goes when there are too many."""
        self._answers[command_id] = _Remembered(dumps([name, args]), answer)
        while len(self._answers) > self._size:
            self._answers.popitem(last=False)
