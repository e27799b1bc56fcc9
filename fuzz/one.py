"""One target under atheris, in a process of its own: `python -m fuzz.one TARGET [libFuzzer's arguments]`.

The target and what it tests are imported under instrumentation, so that new branches steer the fuzzer.
"""

import sys

import atheris

with atheris.instrument_imports(include=["kak_server", "fuzz.targets"]):
    from fuzz.targets.index import load


def main() -> None:
    """libFuzzer ends the process itself."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["kak_server", "fuzz.targets"]):
        target = load(name)
    atheris.Setup([sys.argv[0], *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
