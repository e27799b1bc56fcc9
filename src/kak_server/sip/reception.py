"""From bytes to messages: datagrams and streams, framing, parsing, and what is said to those who send rubbish
(RFC 3261 18, RFC 5626)."""

from collections.abc import Callable

from kak_server.sip.admission import Admission
from kak_server.sip.api import Close, Flow, Send, TrunkSettings
from kak_server.sip.capacity import Strangers
from kak_server.sip.context import Context
from kak_server.sip.devices import DEVICES, DevicePeers
from kak_server.sip.errors import ParseError
from kak_server.sip.framing import Frame, StreamFramer
from kak_server.sip.parser import (
    BrokenMessageError,
    Request,
    Response,
    answerable,
    check_request,
    check_response,
    parse,
)
from kak_server.sip.trace import SipTrace

_REMEMBERED_PEERS = 4_096

OnRequest = Callable[[Request, TrunkSettings | None, Flow], None]
OnResponse = Callable[[Response], None]


class Reception:
    """Everything that arrives; whole and well-formed messages go on to `on_request` and `on_response`."""

    def __init__(
        self,
        context: Context,
        admission: Admission,
        devices: DevicePeers,
        trace: SipTrace,
        on_request: OnRequest,
        on_response: OnResponse,
    ) -> None:
        self._context = context
        self._settings = context.settings
        self._admission = admission
        self._devices = devices
        self._trace = trace
        self._on_request = on_request
        self._on_response = on_response
        self._least_bytes = context.settings.message_limits.least_bytes
        self._udp_trunks: dict[str, TrunkSettings] = {}  # by address, which is all there is to a datagram
        load = context.settings.load
        self._strangers = Strangers(load.stranger_answers, load.stranger_answers_all)

    def datagram(self, data: bytes, flow: Flow) -> None:
        """A UDP datagram."""
        if not data.strip(b"\r\n\x00 "):
            self._context.count("sip_keepalives")  # RFC 5626 4.4 and its older cousins: no answer
        elif len(data) > self._settings.max_message_bytes:
            self._context.count("sip_malformed", detail=f"{flow.host}: {len(data)} bytes", status="too-large")
        else:
            self._message(data, flow, stream=False)

    def stream_opened(self, flow: Flow, certificate: tuple[str, ...]) -> None:
        """A connection is up."""
        key = (flow.listener, flow.connection)
        self._open(key)
        if certificate:
            self._context.certificates[key] = certificate

    def stream_data(self, data: bytes, flow: Flow) -> None:
        """Bytes off a connection."""
        key = (flow.listener, flow.connection)
        framer = self._context.streams.get(key)
        if framer is None:
            framer = self._open(key)
        for frame in framer.feed(data):
            self._frame(frame, flow)

    def stream_closed(self, flow: Flow) -> None:
        """The connection has gone."""
        self._context.streams.pop((flow.listener, flow.connection), None)
        self._context.certificates.pop((flow.listener, flow.connection), None)

    def _open(self, key: tuple[str, int]) -> StreamFramer:
        framer = self._context.streams[key] = StreamFramer(self._settings.max_message_bytes)
        return framer

    def _trunk(self, flow: Flow) -> TrunkSettings | None:
        if flow.transport == "udp" and flow.host in self._udp_trunks:
            return self._udp_trunks[flow.host]
        certificate = self._context.certificates.get((flow.listener, flow.connection), ())
        trunk = self._admission.trunk(flow.host, certificate)
        if trunk is None:
            return DEVICES if self._devices.allowed(flow) else None
        if flow.transport == "udp" and len(self._udp_trunks) < _REMEMBERED_PEERS:
            self._udp_trunks[flow.host] = trunk
        return trunk

    def _frame(self, frame: Frame, flow: Flow) -> None:
        context = self._context
        if frame.kind == "ping":
            context.count("sip_keepalives")
            context.out.append(Send(flow, b"\r\n"))  # RFC 5626 3.5.1
        elif frame.kind == "message":
            self._message(frame.data, flow, stream=True)
        else:
            # 18.3: without a Content-Length the next message cannot be found: say 400 where possible, and close
            self._broken_frame(frame, flow)
            context.out.append(Close(flow))

    def _broken_frame(self, frame: Frame, flow: Flow) -> None:
        try:
            parse(frame.data, max_headers=self._settings.max_headers, stream=True)
        except BrokenMessageError as problem:
            self._malformed(BrokenMessageError(frame.problem, problem.request, problem.status), flow)
        else:
            self._malformed(BrokenMessageError(frame.problem, None), flow)

    def _message(self, data: bytes, flow: Flow, *, stream: bool) -> None:
        context, trunk = self._context, self._trunk(flow)
        if trunk is None and self._settings.unknown_peers == "drop" and not data.startswith(b"SIP/"):
            context.count("sip_unknown_peer", detail=f"dropped a message from {flow.host}")
            return
        if trunk is None and not data.startswith(b"SIP/") and not self._strangers.may_answer(flow.host, context.now_ms):
            # Nobody reads what nobody will answer: a flood costs little
            context.count("sip_unknown_peer", detail=f"passed over a message from {flow.host}")
            context.count("sip_unknown_peer_unanswered", why="rate")
            return
        self._trace.record(context.now_ms, False, flow, data)
        try:
            message = parse(data, max_headers=self._settings.max_headers, stream=stream)
            if len(data) > self._least_bytes:
                self._limit(message)
            if isinstance(message, Response):
                check_response(message)
                self._on_response(message)
                return
            check_request(message)
            self._on_request(message, trunk, flow)
        except BrokenMessageError as problem:
            self._malformed(problem, flow)
        except ParseError as problem:
            self._malformed(BrokenMessageError(problem.problem, None), flow)

    def _malformed(self, problem: BrokenMessageError, flow: Flow) -> None:
        self._context.count("sip_malformed", detail=f"{flow.host}: {problem.problem}", status=str(problem.status))
        request = problem.request
        if request is None or not answerable(request):
            return
        if self._trunk(flow) is None:
            if self._settings.unknown_peers != "drop":
                self.answer_stranger(request, flow)
            return
        status = problem.status
        self._context.answer_stateless(request, flow, status, reason="" if status != 400 else _reason(problem.problem))

    def _limit(self, message: Request | Response) -> None:
        try:
            self._settings.message_limits.check(message)
        except ParseError as problem:
            request = message if isinstance(message, Request) else None
            raise BrokenMessageError(problem.problem, request, problem.status) from None

    def answer_stranger(self, request: Request, flow: Flow) -> None:
        """403 to a peer we do not know, over UDP never more bytes than came, lest we hit others for it. Whether it may
        be one more answer was asked before the message was read."""
        # Characters are no more than bytes. On a connection the peer has proved where it is
        came_bytes = len(request.head) + len(request.body) if flow.transport == "udp" else None
        if not self._context.answer_stateless(request, flow, 403, at_most_bytes=came_bytes):
            self._context.count("sip_unknown_peer_unanswered", why="size")


def _reason(problem: str) -> str:
    """What was wrong, for the sender's log; their own bytes are not sent back."""
    return f"Bad Request ({problem.partition(':')[0]})"
