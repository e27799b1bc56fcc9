"""Who hears whom, by names: the edges of all mixes, found from either end. What a change touches is noted, so that its
cost is that of the change and not that of everything that is up."""

from collections.abc import Iterable, Iterator

from kak_server.media.rpc import Edge
from kak_server.model.ids import MixId


class Wiring:
    """All mixes. An edge may name legs that are not there (yet)."""

    def __init__(self) -> None:
        self.mixes: dict[MixId, tuple[Edge, ...]] = {}
        self.stale: dict[str, None] = {}  # names of sinks whose edges are to be looked at again
        self._into: dict[str, dict[MixId, list[tuple[str, float]]]] = {}
        self._out_of: dict[str, dict[str, int]] = {}  # source, sink: how many edges

    def set_mix(self, mix: MixId, edges: tuple[Edge, ...]) -> None:
        """Replace one mix; no edges removes it."""
        for edge in self.mixes.get(mix, ()):
            self._remove(mix, edge)
        if edges:
            self.mixes[mix] = edges
        else:
            self.mixes.pop(mix, None)
        for edge in edges:
            self._into.setdefault(edge.sink, {}).setdefault(mix, []).append((edge.source, edge.gain))
            sinks = self._out_of.setdefault(edge.source, {})
            sinks[edge.sink] = sinks.get(edge.sink, 0) + 1
            self.stale[edge.sink] = None

    def _remove(self, mix: MixId, edge: Edge) -> None:
        by_mix = self._into.get(edge.sink, {})
        by_mix.pop(mix, None)  # with the first of this mix's edges all of them
        if not by_mix:
            self._into.pop(edge.sink, None)
        sinks = self._out_of[edge.source]
        sinks[edge.sink] -= 1
        if not sinks[edge.sink]:
            del sinks[edge.sink]
        if not sinks:
            del self._out_of[edge.source]
        self.stale[edge.sink] = None

    def source_changed(self, source: str) -> None:
        """A source came or went."""
        self.stale.update(dict.fromkeys(self._out_of.get(source, ())))

    def into(self, sinks: Iterable[str]) -> Iterator[tuple[str, float]]:
        """The (source, gain) of every edge into these names."""
        for sink in sinks:
            for edges in self._into.get(sink, {}).values():
                yield from edges
