"""Data that older versions of the program wrote, brought up to today's form one step at a time.

A step is a pure function from the decoded form to the next one. A new field with a default needs no new form: old data
still reads. When a field changes its meaning, is renamed or becomes required, the form's number goes up and the step
from the form before is added; it stays for as long as data of that form may be read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kak_server.model.codec import CodecError

FormStep = Callable[[dict[str, Any]], dict[str, Any]]
KEY = "format"


class NewerFormError(CodecError):
    """A newer program wrote it: its form is not known here."""


def upgraded(data: Any, newest: int, steps: Mapping[int, FormStep], what: str) -> dict[str, Any]:
    """`data`, whose form is its "format", in form `newest`; `data` itself is not changed by it. Raises NewerFormError
    for a newer form, CodecError if it is no `what` or a step is missing or fails."""
    form = data.get(KEY) if isinstance(data, dict) else None
    if type(form) is not int or form < 1:
        raise CodecError(f"not a {what} of a known format")
    if form > newest:
        raise NewerFormError(f"a {what} of format {form}; this program knows {newest}")
    made: dict[str, Any] = data
    for number in range(form, newest):
        step = steps.get(number)
        if step is None:
            raise CodecError(f"a {what} of format {number} cannot be read any more")
        try:
            made = {**step(made), KEY: number + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as problem:  # CodecError is a ValueError
            raise CodecError(f"a {what} of format {number} cannot be read: {problem!r}") from None
    return made
