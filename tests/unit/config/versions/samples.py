"""Small organisations to make versions of."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from kak_server.config.loader import parse_settings
from kak_server.config.settings import Settings
from kak_server.config.versions.catalogue import Catalogue, edited
from kak_server.config.versions.objects import Key, ReadObject, objects_of, read_object

FILE = """
server: {lab: true}
rooms:
  - {id: oslo, name: AMK Oslo, kind: amk, positions: 2}
  - {id: bergen, name: AMK Bergen, kind: amk, positions: 2}
queues:
  - {id: 113-oslo, name: 113 Oslo, numbers: [113], class: emergency, rooms: [oslo, bergen]}
  - {id: doctor, name: Doctor, numbers: ["116117"], rooms: [bergen], skills: {doctor: 3}}
operators:
  - {username: kari, name: Kari, password: lab, rooms: [oslo], skills: {"113": 5}}
  - {username: ola, name: Ola, password: lab, rooms: [oslo, bergen]}
"""


def machine() -> Settings:
    """The file above."""
    return parse_settings(FILE)


def catalogue(settings: Settings | None = None) -> Catalogue:
    """Its objects."""
    found = objects_of(settings or machine())
    return Catalogue({}).after(edited(Catalogue({}), {one.key: one.content for one in found}))


def content(kind: str, **values: Any) -> tuple[Key, str]:
    """One object's key and content."""
    found = read_object(kind, values)
    assert isinstance(found, ReadObject), found
    return found.key, found.content


def queue(name: str, **values: Any) -> tuple[Key, str]:
    """A queue of Oslo."""
    return content("queues", **{"id": name, "name": name.upper(), "rooms": ["oslo"], **values})


names = st.sampled_from(["a", "b", "c", "113-oslo"])
queues = st.builds(
    queue,
    names,
    priority=st.integers(-3, 3),
    wrap_up_ms=st.sampled_from([0, 10_000]),
    skills=st.dictionaries(st.sampled_from(["doctor", "113"]), st.integers(1, 10)),
    waiting=st.sampled_from(["ring", "announce"]),
)
rooms = st.builds(
    lambda name, seats, title: content(
        "rooms", id=name, name=title, positions=[{"id": f"{name}-{n}", "name": t} for n, t in enumerate(seats)]
    ),
    names,
    st.lists(st.text("abc no113", min_size=1).map(lambda text: f"x{text}"), min_size=1, max_size=3),
    st.sampled_from(["no", "0113", "Ålesund: 113", "null", "12:30:00", "a # b", "- x", "1e3", "0x1f", "08", "~"]),
)
objects = st.one_of(queues, rooms)
edits = st.lists(
    st.one_of(objects, st.tuples(st.builds(Key, st.sampled_from(["queues", "rooms"]), names), st.none())), max_size=8
).map(dict)
catalogues = st.lists(objects, max_size=8).map(lambda pairs: Catalogue({}).after(edited(Catalogue({}), dict(pairs))))


def contents(version: Catalogue) -> Mapping[Key, str]:
    """What is in it."""
    return {key: entry.content for key, entry in version.entries.items()}
