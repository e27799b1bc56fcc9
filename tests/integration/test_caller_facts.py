"""What an INVITE tells of its caller reaches the conditions of a workflow: a step that holds answers the call with an
announcement, any other call goes on ringing."""

import asyncio
import re
from pathlib import Path

import httpx

from tests.integration.test_control_sip import control, until_metrics_say
from tests.support.ports import free_port

CONFIG = """\
server: {{lab: true, data_dir: {folder}/data, http: {{port: {http}}}}}
sip:
  listeners: [{{name: main, host: 127.0.0.1, port: {sip}, transports: [udp]}}]
  trunks:
    - {{name: carrier, sources: [127.0.0.1], trusted_identity: true, language_from_header: true}}
    - {{name: exchange, sources: [127.0.0.2]}}
rooms: [{{id: amk, name: AMK, positions: 1}}]
areas:
  - id: legevakt
    numbers: [116117]
    default: normal
    municipalities: [{{code: "0301", name: Oslo, queue: normal, prefixes: ["+4721"]}}]
queues:
  - id: emergency
    name: "113"
    numbers: [113]
    class: emergency
    rooms: [amk]
    workflow:
      - {{reach: own}}
      - {{when: {{areas: ["0301"]}}, announce: please-hold}}
      - {{when: {{languages: [se]}}, announce: please-hold}}
  - id: normal
    name: Legevakt
    numbers: [22000000]
    rooms: [amk]
    workflow:
      - {{reach: own}}
      - {{when: {{classes: [emergency]}}, announce: please-hold}}
"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
PIDF = """<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:a@b.example"><tuple id="t"><status>
<geopriv xmlns="urn:ietf:params:xml:ns:pidf:geopriv10"><location-info>
<civicAddress xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"><country>NO</country><A2>Oslo</A2></civicAddress>
</location-info><usage-rules/></geopriv></status></tuple></presence>"""


class Caller(asyncio.DatagramProtocol):
    """A carrier that calls once, and gives up when it rings and nothing more is said at once."""

    def __init__(self, number: str, sip: int, headers: tuple[str, ...], *, located: bool, caller: str) -> None:
        self.final: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.number, self.sip, self.headers, self.caller = number, sip, headers, caller
        self.body, self.type = SDP, "application/sdp"
        if located:
            parts = (f"--x\r\nContent-Type: application/sdp\r\n\r\n{SDP}", _located())
            self.body, self.type = "\r\n".join((*parts, "--x--", "")), "multipart/mixed;boundary=x"

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        self.send("INVITE", "", self.body, self.type)

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode()
        status = int(text.split()[1])
        if "INVITE" not in (re.search(r"^CSeq:.*$", text, re.M | re.I) or [""])[0]:
            return
        if status == 180:
            self.send("CANCEL")
        elif status >= 200 and not self.final.done():
            self.send("ACK", text)
            if status == 200:
                self.send("BYE", text)
            self.final.set_result(status)

    def send(self, method: str, answer: str = "", body: str = "", kind: str = "") -> None:
        tag = re.search(r"^To:.*(;tag=\S+)", answer, re.M | re.I)
        lines = [
            f"{method} sip:{self.number}@127.0.0.1:{self.sip} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{self.port}{'bye' if method == 'BYE' else ''}",
            "Max-Forwards: 70",
            f"From: <sip:{self.caller}@127.0.0.1>;tag=a",
            f"To: <sip:{self.number}@127.0.0.1>{tag.group(1) if tag else ''}",
            f"Call-ID: {self.port}@test",
            f"CSeq: {2 if method == 'BYE' else 1} {method}",
            f"Contact: <sip:127.0.0.1:{self.port}>",
            *(self.headers if method == "INVITE" else ()),
            *([f"Content-Type: {kind}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), ("127.0.0.1", self.sip))


def _located() -> str:
    return f"--x\r\nContent-Type: application/pidf+xml\r\nContent-ID: <place@b.example>\r\n\r\n{PIDF}"


async def call(
    sip: int, number: str, *headers: str, located: bool = False, caller: str = "+4799999999", host: str = "127.0.0.1"
) -> int:
    transport, caller_ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Caller(number, sip, headers, located=located, caller=caller), local_addr=(host, 0)
    )
    try:
        async with asyncio.timeout(20):
            return await caller_.final
    finally:
        transport.close()


GEOLOCATION = "Geolocation: <cid:place@b.example>"


async def test_place_language_and_class_of_a_call_reach_the_workflow(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("http", "sip")}
    async with (
        control(tmp_path, CONFIG, **ports),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['http']}") as client,
    ):
        await until_metrics_say(client, "kak_faults_total 0.0")
        sip = ports["sip"]
        assert await call(sip, "113") == 487, "nothing is known: it rings until the caller gives up"
        assert await call(sip, "113", GEOLOCATION, located=True) == 200
        assert await call(sip, "113", GEOLOCATION, "Geolocation-Routing: no", located=True) == 487
        assert await call(sip, "113", caller="+4721345678") == 200, "its number belongs to Oslo"
        assert await call(sip, "113", "Accept-Language: en;q=0.5, se-NO") == 200
        assert await call(sip, "113", "Accept-Language: en") == 487
        assert await call(sip, "113", "Accept-Language: se", host="127.0.0.2") == 487, "its menus are in Sami, no more"
        assert await call(sip, "22000000") == 487
        assert await call(sip, "22000000", "Resource-Priority: esnet.1") == 200
        assert "kak_faults_total 0.0" in (await client.get("/metrics")).text
