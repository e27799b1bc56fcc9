"""aiosipua answering every call by itself: its UAS, its transactions and dialogs, its SDP negotiation. argv: port."""

import asyncio
import importlib
import sys
from typing import Any

HOST = "127.0.0.1"
aiosipua: Any = importlib.import_module("aiosipua")
transports: Any = importlib.import_module("aiosipua.transport")


def answer(call: Any) -> None:
    """200 with the negotiated description, or 488."""
    if call.sdp_offer is None:
        call.reject(488, "Not Acceptable Here")
        return
    agreed, _ = aiosipua.negotiate_sdp(call.sdp_offer, HOST, 20_000, [8, 0])
    call.accept(agreed)


async def main() -> None:
    """Serve for ever."""
    uas = aiosipua.SipUAS(transports.UdpSipTransport(local_addr=(HOST, int(sys.argv[1]))), user_agent="peer")
    uas.on_invite = uas.on_reinvite = answer
    await uas.start()
    print('{"ready": true}', flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())  # its transport does not take uvloop's
