"""Changes of the rules while calls are up: what the routing core is told when a version of the configuration is
published."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from kak_server.model.ids import OperatorId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.words import QueueConfig, RoutingConfig
from kak_server.routing.words_people import Capacity

Apply = Literal["new", "all"]
"""Who follows changed rules: contacts that come in from now on, or those that are here as well."""


@frozen
class OperatorRules:
    """What the configuration says of a person, as far as it decides who is asked. `rooms` are those the person may sit
    in: somebody who sits elsewhere keeps the seat until signing out."""

    operator: OperatorId
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    rooms: tuple[RoomId, ...] = ()
    capacity: Capacity | None = None  # None: as it is; versions of before there was any do not say


@frozen
class ConfigChanged:
    """A version is published: only what differs from the version before. One event, so that all of it holds or nothing.

    Contacts keep queue, arrival and epoch, and offers under way stand. With `apply` "new" those that are here follow
    the rules they came in on until they end or are transferred; with "all" they follow the new ones at once. Skills and
    names of signed-in operators hold at once in either case. A queue that is removed takes no arrivals and leaves with
    its last contact. `config`: everything but the queues, where any of it changed (its `queues` are not looked at).
    """

    now_ms: int
    version: int
    queues: tuple[QueueConfig, ...] = ()  # new ones and changed ones
    removed: tuple[QueueId, ...] = ()
    operators: tuple[OperatorRules, ...] = ()  # new ones and changed ones, signed in or not
    config: RoutingConfig | None = None
    apply: Apply = "new"
