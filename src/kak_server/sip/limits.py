"""Limits on what peers may send and how much of it we serve. Every one has a default; `config` composes others."""

from dataclasses import field

from kak_server.model.light import frozen
from kak_server.sip.errors import ParseError
from kak_server.sip.parser import Message, Request
from kak_server.sip.rates import Rate

_SDP = "application/sdp"


@frozen
class MessageLimits:
    """Sizes within one message, beyond which it is refused (location and additional data: shown as unreadable)."""

    uri_chars: int = 2_048
    header_chars: int = 65_535  # one header
    sdp_bytes: int = 16_384
    xml_bytes: int = 32_768  # one PIDF-LO or block of additional data

    @property
    def least_bytes(self) -> int:
        """A message of no more bytes breaks none of the limits."""
        return min(self.uri_chars, self.header_chars, self.sdp_bytes)

    def check(self, message: Message) -> None:
        """Raises ParseError with 414 for the Request-URI, 400 for a header, 413 for a session description."""
        if isinstance(message, Request) and len(message.uri_text) > self.uri_chars:
            raise ParseError(f"Request-URI of {len(message.uri_text)} characters", 414)
        if len(message.head) > self.header_chars:  # else no line can be too long
            for name, values in message.fields.items():
                longest = max(map(len, values))
                if longest > self.header_chars:
                    raise ParseError(f"{name[:40]} of {longest} characters", 400)
        kind = message.fields.get("content-type", ("",))[0]
        if len(message.body) > self.sdp_bytes and kind.partition(";")[0].strip().lower() in (_SDP, ""):
            raise ParseError(f"session description of {len(message.body)} bytes", 413)


@frozen
class LoadLimits:
    """What is let in when there is much. Emergency calls are held back by none of it but `max_calls` of all."""

    reserve_calls: int = 0  # so many of all calls are kept for emergency calls
    lag_ms: int = 300  # the event loop is and stays so late: no other calls until it is half of that; 0: never mind
    retry_after_s: int = 5  # at least; the actual time is random up to three times that, lest they come back together
    stranger_answers: Rate = field(default_factory=lambda: Rate(2.0, 5.0))  # 403s to one unknown address
    stranger_answers_all: Rate = field(default_factory=lambda: Rate(50.0, 50.0))  # to all of them
    waiting_bytes: int = 256 * 1024  # as lag_ms: unread in a socket, as the system counts it; about a hundred requests
