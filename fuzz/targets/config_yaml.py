"""The configuration file.

Invariant: only ConfigError comes out, with at least one problem in words, each on a line of the file (or, at a
sudden end, the one after it, as libyaml counts). What is accepted
once is accepted again and equal. Files and the environment are not read here: inputs that name them are passed over.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.config.loader import parse_settings
from kak_server.config.problems import ConfigError

MAX_BYTES = 65_536

GROWING: Growing = {
    "keys": lambda size: b"".join(b"k%d: 1\n" % n for n in range(size // 8)),
    "same key": repeated(b"a: 1\n"),
    "list": repeated(b"- 1\n"),
    "flow list": repeated(b"1,", b"a: [", b"]"),
    "nested": repeated(b"["),
    "nested maps": repeated(b"{a: "),
    "comments": repeated(b"# x\n"),
    "long text": repeated(b"x", b"a: "),
    "block text": repeated(b"  x\n", b"a: |\n"),
    "digits": repeated(b"1", b"a: "),
    "underscores": repeated(b"1_", b"a: "),
    "colons": repeated(b"1:", b"a: "),
    "rooms": lambda size: b"rooms:\n" + b"".join(b"  - {id: r%d, name: R}\n" % n for n in range(size // 24)),
}


def check(data: bytes) -> None:
    """See above."""
    if b"!" in data:
        return  # tags that read the machine's own files and variables
    text = data.decode("utf-8", "replace")
    try:
        settings = parse_settings(text, source="fuzz")
    except ConfigError as problem:
        lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029")
        assert problem.problems
        assert all(one.text for one in problem.problems)
        assert all(one.line is None or 1 <= one.line <= lines + 2 for one in problem.problems)
        return
    assert parse_settings(text, source="fuzz") == settings
