"""A caller that does what callers and lossy networks do: sends things twice, late, in the wrong dialog. For the probes
of `sip_semantics`; it shares no code with any of the servers."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

HOST = "127.0.0.1"
T1_S = 0.5  # RFC 3261 17.1.1.1
PATIENCE_S = 3.0  # for an answer that must come
SDP = "\r\n".join(
    (
        "v=0",
        f"o=probe 1 1 IN IP4 {HOST}",
        "s=-",
        f"c=IN IP4 {HOST}",
        "t=0 0",
        "m=audio 6000 RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=sendrecv",
        "",
    )
)
_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Message:
    """What came back, taken apart the simplest way. `status` 0: a request of the server's."""

    status: int
    method: str  # of the CSeq
    cseq: int
    tag: str  # of the To
    text: str

    def header(self, name: str) -> str:
        """The first header of a name, "" when there is none."""
        lead = f"{name.lower()}:"
        return next(
            (line[len(lead) :].strip() for line in self.text.split("\r\n") if line.lower().startswith(lead)), ""
        )


def read(data: bytes) -> Message:
    """A message off the wire."""
    text = data.decode("utf-8", "replace")
    start = text.partition("\r\n")[0]
    status = int(start.split()[1]) if start.startswith("SIP/2.0 ") else 0
    draft = Message(status, "", 0, "", text)
    number, _, method = draft.header("cseq").partition(" ")
    return Message(status, method.strip(), int(number or 0), draft.header("to").partition(";tag=")[2], text)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: "asyncio.Queue[Message]") -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if data.strip():
            self._heard.put_nowait(read(data))


@dataclass
class Phone:
    """One call from its caller's side. `begin` binds the socket."""

    port: int  # of the server
    call_id: str = field(default_factory=lambda: f"probe-{secrets.token_hex(6)}@{HOST}")
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    to_tag: str = ""
    heard: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    log: list[Message] = field(default_factory=list)

    async def begin(self) -> None:
        """A socket of its own."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Ear(self.heard), local_addr=(HOST, 0))
        self._own = f"{HOST}:{self._udp.get_extra_info('sockname')[1]}"

    def close(self) -> None:
        """Done with it."""
        self._udp.close()

    def request(
        self, method: str, cseq: int, *, branch: str = "", to_tag: str | None = None, extra: str = "", body: str = ""
    ) -> str:
        """A request, in the dialog where there is one."""
        tag = self.to_tag if to_tag is None else to_tag
        lines = [
            f"{method} sip:113@{HOST}:{self.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._own};branch={branch or f'z9hG4bK{secrets.token_hex(6)}{next(_serials)}'}",
            f'From: "Kari Nordmann" <sip:+4791500001@{self._own}>;tag={self.tag}',
            f"To: <sip:113@{HOST}:{self.port}>{f';tag={tag}' if tag else ''}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
        ]
        if method == "INVITE":
            lines += [f"Contact: <sip:probe@{self._own}>", "Content-Type: application/sdp"]
        lines += [extra] if extra else []
        body = SDP if method == "INVITE" else body
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])

    def send(self, text: str) -> str:
        """Off it goes; `text` again, for sending it again."""
        self._udp.sendto(text.encode(), (HOST, self.port))
        return text

    async def wait(self, wanted: Callable[[Message], bool], seconds: float = PATIENCE_S) -> Message | None:
        """The next message that is wanted; all that come are in `log`. None: it did not come."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await self.heard.get()
                    self.log.append(message)
                    if wanted(message):
                        return message
        except TimeoutError:
            return None

    async def final(self, method: str, seconds: float = PATIENCE_S) -> Message | None:
        """The next final answer to a request."""
        return await self.wait(lambda message: message.status >= 200 and message.method == method, seconds)

    async def listen(self, seconds: float) -> list[Message]:
        """Whatever comes in this time."""
        before = len(self.log)
        await self.wait(lambda _message: False, seconds)
        return self.log[before:]

    async def call(self, cseq: int = 1) -> str:
        """An INVITE until its 200; the INVITE as it was sent. Raises LookupError when there is no 200."""
        invite = self.send(self.request("INVITE", cseq))
        answer = await self.final("INVITE")
        if answer is None or answer.status != 200:
            raise LookupError(f"the call itself: {answer.status if answer is not None else 'no answer'}")
        self.to_tag = answer.tag
        return invite

    async def established(self, cseq: int = 1) -> str:
        """`call`, and the ACK."""
        invite = await self.call(cseq)
        self.send(self.request("ACK", cseq))
        return invite
