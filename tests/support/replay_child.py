"""Run by other Pythons: replay a journal's folder and print what came of it, byte for byte, as one line of JSON."""

import hashlib
import json
import sys
from pathlib import Path

from kak_server.model.codec import dumps
from kak_server.runtime.counted import Counted
from kak_server.runtime.segments import load


def replayed(folder: Path) -> dict[str, str | int]:
    """Digests of the canonical state, with and without the statistics, of every effect on the way, and of the live
    values."""
    contents = load(folder)
    counted = Counted.restore(contents.routing)
    effects = hashlib.sha256()
    for event in contents.events:
        for effect in counted.step(event):
            effects.update(dumps([type(effect).__name__, effect]))
    state = dumps(counted.core.snapshot())
    return {
        "events": len(contents.events),
        "state": hashlib.sha256(state).hexdigest(),
        "state_bytes": len(state),
        "with_figures": hashlib.sha256(dumps(counted.snapshot())).hexdigest(),
        "effects": effects.hexdigest(),
        "values": hashlib.sha256(dumps(contents.values)).hexdigest(),
    }


if __name__ == "__main__":
    print(json.dumps(replayed(Path(sys.argv[1]))))
