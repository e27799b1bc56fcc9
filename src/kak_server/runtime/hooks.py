"""What a journal is given by its owner."""

from collections.abc import Callable

from kak_server.model.light import frozen
from kak_server.runtime.alarms import JournalAlarm
from kak_server.runtime.compactor import Compactor
from kak_server.runtime.files import Files


@frozen
class Hooks:
    """Callbacks may come from other threads. `compactor` None: full segments are closed by a checkpoint on the loop."""

    on_alarm: Callable[[JournalAlarm], None]
    on_sync_lag: Callable[[float], None]
    monotonic_s: Callable[[], float]
    compactor: Compactor | None
    files: Files
