"""What is wrong with a configuration, said so that a person can mend it."""

from collections.abc import Sequence

from kak_server.model.light import frozen

Location = tuple[str | int, ...]  # keys and list indexes from the top of the file


@frozen
class Problem:
    """One thing to mend. `line` is 1-based; None when the value is in no file (an override of the command line)."""

    location: Location
    text: str
    line: int | None = None

    def __str__(self) -> str:
        where = dotted(self.location)
        line = f"line {self.line}: " if self.line is not None else ""
        return f"{line}{where}: {self.text}" if where else f"{line}{self.text}"


class ConfigError(Exception):
    """A configuration that cannot be used. `problems` is every problem found, in the order of the file."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0)))
        super().__init__("\n".join([f"{source}: {self._headline()}", *(f"  {problem}" for problem in self.problems)]))

    def _headline(self) -> str:
        return "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"


def dotted(location: Location) -> str:
    """("queues", 0, "rooms") as "queues[0].rooms"."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
