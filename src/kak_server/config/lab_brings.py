"""What a lab's panel can bring besides calls."""

from kak_server.config.settings import Settings
from kak_server.console.settings import LabBring

KINDS = ("chat", "alarm")


def lab_brings(settings: Settings) -> tuple[LabBring, ...]:
    """A chat and an alarm, as far as an integrator may bring them: to a queue that is called so, else to one that no
    number leads to, else to any."""
    found = []
    for kind in KINDS:
        by = next((one for one in settings.integrators if kind in one.kinds), None)
        if by is None:
            continue
        queues = [queue for queue in settings.queues if not by.queues or queue.id in by.queues]
        queues.sort(key=lambda queue: (kind not in queue.id, bool(queue.numbers)))
        found += [LabBring(kind, queue.id, queue.display_name(), by.id) for queue in queues[:1]]
    return tuple(found)
