"""What the console's shell must be told. `config` composes it."""

from dataclasses import field

from kak_server.model.light import frozen


@frozen
class LabNumber:
    """A number the lab panel can ring, with the name of its queue, and which that is."""

    number: str
    name: str
    queue: str = ""


@frozen
class LabBring:
    """A contact without a call that the lab panel can bring: its kind, the queue it goes to, and who brings it."""

    kind: str
    queue: str
    name: str
    integrator: str


@frozen
class StreamLimits:
    """Bounds of one event stream."""

    ring_events: int = 2_000
    ring_bytes: int = 1_048_576
    resume_ms: int = 60_000  # how long a stream without a reader is kept
    list_interval_ms: int = 200  # whole lists go out at most this often


@frozen
class ConsoleSettings:
    """Settings of the position API and the console's pages. Defaults suit the lab."""

    name: str = "kak-server"
    version: str = "0"
    lab: bool = False
    lab_sim_url: str = ""  # the simulators' control address, e.g. http://127.0.0.1:8090
    lab_numbers: tuple[LabNumber, ...] = ()
    lab_brings: tuple[LabBring, ...] = ()
    web_dist: str = ""  # folder of the built console; empty or missing: a page that says how to build it
    secure_cookies: bool = False  # with https
    allowed_origins: frozenset[str] = frozenset()  # besides the address the request came to
    session_idle_ms: int = 12 * 3_600_000
    session_max_ms: int = 24 * 3_600_000
    session_limit: int = 20_000
    body_max_bytes: int = 262_144
    body_timeout_s: float = 15.0
    message_max_bytes: int = 65_536  # of one WebSocket message
    ping_interval_s: float = 5.0
    silent_reader_s: float = 15.0  # a WebSocket that says nothing for so long is closed
    commands_in_flight: int = 16  # of one WebSocket
    bad_messages_max: int = 10
    mix_max_ms: int = 4 * 3_600_000
    stream: StreamLimits = field(default_factory=StreamLimits)
    check_events: bool = False  # hold every event against its model and log what does not fit
