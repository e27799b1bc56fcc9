"""Who answers which number, after how long, and how: the telephone book of the simulated outside world."""

from kak_server.model.light import frozen

HEARD_BY_NOBODY = 600  # milliseconds that somebody needs to lift the receiver


@frozen
class Person:
    """How a number behaves. It rings for `ring_ms`; then it answers, or gives `status`. `tone_hz`: its voice."""

    name: str
    tone_hz: int = 0  # 0: it speaks
    ring_ms: int = HEARD_BY_NOBODY
    status: int = 200  # the final answer
    early_hz: int = 0  # tone of early media while it rings; 0: a plain 180
    talk_ms: int = 0  # hangs up by itself after so long; 0: never


FIRE = Person("110 Brann", tone_hz=500)
POLICE = Person("112 Politi", tone_hz=800)
STRANGER = Person("somebody", tone_hz=1_300)

PEOPLE: dict[str, Person] = {
    "110": FIRE,
    "112": POLICE,
    "+4722000001": Person("sykehuset", tone_hz=1_100, ring_ms=1_500),
    "+4722000002": Person("opptatt", status=486, ring_ms=100),
    "+4722000003": Person("svarer aldri", ring_ms=3_600_000),
    "+4722000004": Person("kø med melding", tone_hz=1_500, early_hz=600, ring_ms=2_500),
    "+4722000005": Person("avviser", status=603, ring_ms=500),
    "+4722000006": Person("ikke i bruk", status=404, ring_ms=0),
    "+4722000007": Person("nettfeil", status=503, ring_ms=0),
    "+4722000008": Person("legger på", tone_hz=1_700, talk_ms=2_000),
    "+4722000009": Person("tolken", ring_ms=1_000),
}

REASONS = {404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here", 503: "Service Unavailable"}


def person_for(number: str) -> Person:
    """Who has the number; somebody answers every other one too."""
    return PEOPLE.get(number, STRANGER)
