"""Ports for servers and peers that must be told theirs before they bind it.

They lie below the range from which the system itself gives ports (to `bind` with 0 and to outgoing connections), so
none is given away between our look and the peer's own bind; an abstract Unix socket a block, held as long as the test
process lives, keeps other test processes off it.
"""

import itertools
import os
import socket
from collections import deque

from kak_sim.lab import is_free

_BLOCK = 10  # a peer that is told one port often takes the next ones too: sipp's video, a range of ICE ports
_BLOCKS = range(10_000, 16_000, _BLOCK)  # above lie those of the test laboratories
_HELD = 60  # blocks a process keeps; what it had before that is long over
_turn = itertools.count(os.getpid() * 37)
_held: deque[socket.socket] = deque()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP, like the nine after it, and stays so for whoever asked.

    Raises OSError when the machine has none.
    """
    for _ in _BLOCKS:
        first = _BLOCKS[next(_turn) % len(_BLOCKS)]
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0kak-test-ports-{first}")
        except OSError:
            lock.close()
            continue
        if all(is_free(port, host) for port in range(first, first + _BLOCK)):
            _held.append(lock)
            if len(_held) > _HELD:
                _held.popleft().close()
            return first
        lock.close()
    raise OSError("no free block of ports on this machine")
