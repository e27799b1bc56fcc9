"""Where log lines go when the disk takes none: nowhere, counted. A full disk must not be an error in the middle of a
call because a line about it could not be written."""

from typing import Protocol


class TextSink(Protocol):
    """A text file, as far as a log needs one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


class LogStream:
    """A file for a log: never raises. The first line that is taken again is preceded by how many were not."""

    def __init__(self, sink: TextSink) -> None:
        self._sink = sink
        self.lost = 0  # lines since the last that was taken

    def write(self, text: str) -> None:
        """One line, with its end."""
        try:
            if self.lost:
                self._sink.write(f'\n{{"event": "log_lines_lost", "level": "error", "count": {self.lost}}}\n')
                self._sink.flush()
                self.lost = 0
            self._sink.write(text)
            self._sink.flush()
        except (OSError, ValueError):  # ValueError: the file was closed
            self.lost += 1

    def flush(self) -> None:
        """Nothing is kept back."""
