"""A name server of the tests: a UDP socket on loopback that answers from a table."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: "NameServer") -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.reply(dns.message.from_wire(data))
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply.to_wire(), addr)


@dataclass
class NameServer:
    """`zone` maps (name without final dot, type) to lines of record data; anything else is NXDOMAIN."""

    zone: dict[tuple[str, str], list[str]]
    ttl_s: int = 60
    silent: bool = False
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    address: str = ""

    async def start(self) -> asyncio.DatagramTransport:
        """Listen on a free port; `address` says where. The caller closes the transport."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), ("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
        return transport

    def reply(self, query: dns.message.Message) -> dns.message.Message | None:
        """The answer to a query; None when this server keeps silent."""
        question = query.question[0]
        name, kind = str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        lines = self.zone.get((name, kind))
        if lines:
            reply.answer.append(dns.rrset.from_text(question.name, self.ttl_s, "IN", kind, *lines))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
