"""The called side of a telephone, message by message."""

from kak_server.sip.parser import Request, Response, parse
from kak_sim.callees.people import PEOPLE, Person, person_for
from kak_sim.callees.uas import Uas
from kak_sim.callers.offer import session
from kak_sim.callers.uac import Answered, Ended, MediaChanged, Ringing

BUSY, EARLY, NEVER = PEOPLE["+4722000002"], PEOPLE["+4722000004"], PEOPLE["+4722000003"]


def message(method: str, cseq: int = 1, to_tag: str = "", body: str = "") -> Request:
    number = 1 if method in ("ACK", "CANCEL") else cseq
    to = f"<sip:110@127.0.0.1>{f';tag={to_tag}' if to_tag else ''}"
    lines = [
        f"{method} sip:110@127.0.0.1:5090 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa;rport",
        "From: <sip:113@127.0.0.1>;tag=ours",
        f"To: {to}",
        "Call-ID: c1",
        f"CSeq: {number} {method}",
        "Contact: <sip:kak@127.0.0.1:5060>",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    parsed = parse(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
    assert isinstance(parsed, Request)
    return parsed


class Phone:
    """A call that came in, and all it sent."""

    def __init__(self, person: Person) -> None:
        self.events: list[object] = []
        self.sent: list[Request | Response] = []
        invite = message("INVITE", body=session("127.0.0.1", 40_000, 1))
        self.uas = Uas(invite, person, ("127.0.0.1", 5090), 45_000, iter("abcdefgh").__next__, 0)
        self._drain()

    def hears(self, sent: Request, now_ms: int = 0) -> None:
        self.uas.receive(sent, now_ms)
        self._drain()

    def wait(self, now_ms: int) -> None:
        self.uas.timer(now_ms)
        self._drain()

    def statuses(self) -> list[int]:
        return [one.status for one in self.sent if isinstance(one, Response)]

    def _drain(self) -> None:
        out, events = self.uas.drain()
        self.sent += [parse(data) for data in out]
        self.events += events


def test_it_rings_answers_until_it_is_acknowledged_and_hears_the_end() -> None:
    phone = Phone(PEOPLE["110"])
    assert phone.statuses() == [180]
    phone.wait(599)
    assert phone.statuses() == [180]
    phone.wait(600)
    phone.wait(1_100)
    assert phone.statuses() == [180, 200, 200]
    phone.hears(message("ACK", to_tag="a"))
    assert phone.uas.state == "answered"
    assert phone.uas.next_timer_at_ms() is None
    phone.hears(message("INVITE", 2, "a", session("127.0.0.1", 41_000, 1, 2)))
    phone.hears(message("BYE", 3, "a"))
    assert [type(event) for event in phone.events] == [Ringing, Answered, MediaChanged, Ended]
    assert phone.statuses()[-2:] == [200, 200]


def test_a_repeated_invite_is_answered_as_before() -> None:
    phone = Phone(NEVER)
    phone.hears(message("INVITE", body=session("127.0.0.1", 40_000, 1)))
    assert phone.statuses() == [180, 180]


def test_busy_and_cancelled() -> None:
    phone = Phone(BUSY)
    phone.wait(100)
    phone.hears(message("ACK", to_tag="a"))
    assert phone.statuses() == [180, 486]
    assert phone.uas.state == "ended"
    phone = Phone(NEVER)
    phone.hears(message("CANCEL"))
    assert phone.statuses() == [180, 200, 487]
    assert phone.events[-1] == Ended("cancelled", 487)


def test_early_media_comes_before_the_answer() -> None:
    phone = Phone(EARLY)
    assert phone.statuses() == [183]
    assert phone.sent[0].body
    assert isinstance(phone.events[0], Ringing)
    assert phone.events[0].media is not None


def test_it_hangs_up_by_itself_and_says_so_until_it_is_heard() -> None:
    phone = Phone(Person("short", talk_ms=2_000))
    phone.wait(600)
    phone.hears(message("ACK", to_tag="a"), 700)
    phone.wait(2_700)
    phone.wait(3_200)
    byes = [one for one in phone.sent if isinstance(one, Request)]
    assert [bye.method for bye in byes] == ["BYE", "BYE"]
    assert byes[0].uri_text == "sip:kak@127.0.0.1:5060"
    assert byes[0].to.tag == "ours"
    phone.wait(2_700 + 64 * 500)
    assert phone.events[-1] == Ended("timeout")


def test_no_audio_is_refused_and_strangers_are_somebody() -> None:
    invite = message("INVITE", body="v=0\r\n")
    uas = Uas(invite, person_for("+4799887766"), ("127.0.0.1", 5090), 45_000, iter("abc").__next__, 0)
    (data,), _ = uas.drain()
    assert b" 488 " in data
