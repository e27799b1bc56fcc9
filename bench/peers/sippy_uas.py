"""sippy answering every call by itself: its UA machine, its transaction manager, its SDP objects. argv: port."""

import importlib
import sys
from typing import Any

HOST = "127.0.0.1"
SDP = "\r\n".join(
    (
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio 20000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=sendrecv",
        "",
    )
)


def part(module: str, name: str) -> Any:
    """A name of a sippy module: it is not installed where this file is checked."""
    return getattr(importlib.import_module(f"sippy.{module}"), name)


class Silent:
    """A logger that writes nothing: none of the others logs messages either."""

    def write(self, *_words: object, **_more: object) -> None:
        """Nothing."""


def main() -> None:
    """Serve for ever."""
    agent, manager = part("UA", "UA"), part("SipTransactionManager", "SipTransactionManager")
    tried, connect, body = (
        part("CCEvents", "CCEventTry"),
        part("CCEvents", "CCEventConnect"),
        part("MsgBody", "MsgBody"),
    )
    config: dict[str, Any] = {"_sip_address": HOST, "_sip_port": int(sys.argv[1]), "_sip_logger": Silent()}

    def on_event(event: Any, ua: Any) -> None:
        if isinstance(event, tried):
            event.getData()[3].parse()  # the offer: as all others it is read before it is answered
            answer = body(SDP)
            answer.parse()
            ua.recvEvent(connect((200, "OK", answer), rtime=event.rtime, origin=event.origin))

    def on_request(request: Any, transaction: Any) -> Any:
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        if request.getMethod() == "INVITE":
            return agent(config, on_event).recvRequest(request, transaction)
        if request.getMethod() == "OPTIONS":
            return request.genResponse(200, "OK"), None, None
        return request.genResponse(501, "Not Implemented"), None, None

    config["_sip_tm"] = manager(config, on_request)
    print('{"ready": true}', flush=True)
    part("Core.EventDispatcher", "ED2").loop()


if __name__ == "__main__":
    main()
