"""The who-hears-whom matrix, compiled for numpy: all edges of all mixes as three arrays, one sum a tick.

Rows are sources and sinks that exist now; an edge that names a leg that is not there yet simply compiles to nothing
until it comes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kak_server.media.engine.frames import FRAME_SAMPLES, Mixed, Pcm
from kak_server.media.rpc import Edge
from kak_server.model.ids import MixId

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
MixKey = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Matrix:
    """Edges sorted by sink row. `keys[sink row]` is equal for sinks that hear the same."""

    sources: tuple[str, ...]
    sinks: tuple[str, ...]
    edge_source: Ints
    edge_gain: Mixed
    heard_sinks: Ints  # rows of sinks that have edges
    starts: Ints  # where each of those begins in the edge arrays
    keys: tuple[MixKey, ...]
    source_row: Mapping[str, int]
    sink_row: Mapping[str, int]
    used_sources: frozenset[int] = field(default_factory=frozenset)

    def mix(self, frames: Pcm, present: Flags) -> tuple[Mixed, Flags]:
        """Sum the source rows into sink rows; which sinks hear any present source at all."""
        mixed: Mixed = np.zeros((len(self.sinks), FRAME_SAMPLES), dtype=np.float32)
        hears: Flags = np.zeros(len(self.sinks), dtype=np.bool_)
        if len(self.edge_source):
            heard = present[self.edge_source]
            hears[self.heard_sinks] = np.logical_or.reduceat(heard, self.starts)
            mixed[self.heard_sinks] = np.add.reduceat(
                frames[self.edge_source] * self.edge_gain[:, None], self.starts, axis=0, dtype=np.float32
            )
        return mixed, hears


def compile_matrix(
    sources: Iterable[str],
    sinks: Iterable[str],
    aliases: Mapping[str, str],
    mixes: Mapping[MixId, tuple[Edge, ...]],
) -> Matrix:
    """Compile for the sources and sinks that exist. `aliases`: other names of sinks."""
    source_names, sink_names = tuple(sources), tuple(sinks)
    source_row = {name: row for row, name in enumerate(source_names)}
    sink_row = {name: row for row, name in enumerate(sink_names)}
    sink_row.update({alias: sink_row[name] for alias, name in aliases.items() if name in sink_row})
    gains: list[dict[int, float]] = [{} for _ in sink_names]
    for edges in mixes.values():
        for edge in edges:
            here, there = source_row.get(edge.source), sink_row.get(edge.sink)
            if here is not None and there is not None:
                gains[there][here] = gains[there].get(here, 0.0) + edge.gain
    keys = tuple(tuple(sorted(row.items())) for row in gains)
    heard = [row for row, key in enumerate(keys) if key]
    flat = [pair for key in keys for pair in key]
    lengths = [len(keys[row]) for row in heard]
    return Matrix(
        sources=source_names,
        sinks=sink_names,
        edge_source=np.array([row for row, _ in flat], dtype=np.intp),
        edge_gain=np.array([gain for _, gain in flat], dtype=np.float32),
        heard_sinks=np.array(heard, dtype=np.intp),
        starts=np.array([0, *np.cumsum(lengths)[:-1]] if lengths else [], dtype=np.intp),
        keys=keys,
        source_row=source_row,
        sink_row=sink_row,
        used_sources=frozenset(row for row, _ in flat),
    )
