"""A SIP phone for the tests: registers, answers challenges, calls. Its digest is that of the RFCs' vectors."""

import itertools
from dataclasses import dataclass, field

from kak_server.sip import digest
from kak_server.sip.api import Flow, SipSettings, TrunkSettings
from kak_server.sip.api_devices import DeviceContacts, DeviceSettings, RegistrarSettings
from tests.unit.sip.uac import OFFER, Bench, Reply, make_core

REALM = "kak"
PHONE = Flow("udp", "198.18.0.5", 5062)
STRANGER = Flow("udp", "203.0.113.66", 5060)
DEVICE = DeviceSettings(
    "desk-1", "legevakt2", digest.stored("legevakt2", REALM, "secret"), ("198.18.0.0/24",), max_contacts=2
)
OTHER = DeviceSettings("desk-2", "amk1", digest.stored("amk1", REALM, "other"), ("198.18.0.0/24",))
SETTINGS = SipSettings(
    advertised_host="198.51.100.1",
    advertised_port=5060,
    trunks=(TrunkSettings("carrier", ("192.0.2.0/24",)),),
    numbers=frozenset(("113", "116117")),
    registrar=RegistrarSettings((DEVICE, OTHER), realm=REALM),
)


def make_bench(settings: SipSettings = SETTINGS, prefix: str = "") -> Bench:
    return Bench(make_core(settings, prefix))


@dataclass
class Phone:
    """One phone. `exchange` answers a challenge once, as phones do."""

    bench: Bench
    username: str = "legevakt2"
    password: str = "secret"
    flow: Flow = PHONE
    contact: str = "<sip:legevakt2@10.0.0.7:5062>"
    call_id: str = "reg-1@10.0.0.7"
    cseq: int = 0
    algorithm: str = "SHA-256"
    _branches: "itertools.count[int]" = field(default_factory=itertools.count)
    _counts: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    credentials: str = ""

    def text(self, method: str, uri: str, headers: tuple[str, ...], body: str = "", to: str = "") -> str:
        self.cseq += 1
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.flow.transport.upper()} 10.0.0.7:5062;rport;branch=z9hG4bK{self.username}-"
            f"{self.call_id}-{next(self._branches)}",
            "Max-Forwards: 70",
            f"From: <sip:{self.username}@kak>;tag=f{self.username}",
            f"To: {to or f'<sip:{self.username}@kak>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {method}",
            "User-Agent: a phone that says much about itself, so that no answer is larger than what it answers",
            *headers,
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def answer(self, challenged: Reply, method: str, uri: str) -> str:
        challenges = [digest.parse_challenge(value) for value in challenged.all("www-authenticate")]
        chosen = next(one for one in challenges if one is not None and one.algorithm == self.algorithm)
        return "Authorization: " + digest.authorization(
            chosen, self.username, self.password, method, uri, cnonce=f"c{next(self._counts)}"
        )

    def exchange(self, method: str, uri: str, headers: tuple[str, ...], body: str = "", to: str = "") -> Reply:
        first, *_ = self.bench.receive(self.text(method, uri, headers, body, to), self.flow)
        if first.status != 401:
            return first
        credentials = self.answer(first, method, uri)
        return self.bench.receive(self.text(method, uri, (*headers, credentials), body, to), self.flow)[0]

    def register(self, *contacts: str, expires: int | None = None, to: str = "") -> Reply:
        """REGISTER with the phone's contact, or those given ("" alone: none, a query)."""
        listed = contacts or (self.contact,)
        headers = [f"Contact: {contact}" for contact in listed if contact]
        if expires is not None:
            headers.append(f"Expires: {expires}")
        return self.exchange("REGISTER", "sip:kak", tuple(headers), to=to)

    def invite(self, number: str) -> Reply:
        headers = (f"Contact: {self.contact}", "Content-Type: application/sdp")
        return self.exchange("INVITE", f"sip:{number}@kak", headers, OFFER, f"<sip:{number}@kak>")


def contacts_told(bench: Bench) -> list[tuple[str, ...]]:
    """What the house heard of desk-1, in order."""
    return [event.contacts for event in bench.events if isinstance(event, DeviceContacts) and event.device == "desk-1"]
