"""What a simple telephone offers and reads: one audio line, A-law, telephone-event (RFC 4566, RFC 3264)."""

from kak_server.model.light import frozen

PCMA = 8
TELEPHONE_EVENT = 101


@frozen
class RemoteMedia:
    """Where the other end wants its audio, and what it understands."""

    host: str
    port: int  # 0: the line was refused
    payload_type: int = PCMA
    dtmf_payload_type: int | None = None
    direction: str = "sendrecv"


def session(host: str, port: int, session_id: int, version: int = 1) -> str:
    """Our description, as offer or as answer: PCMA in 20 ms packets and DTMF digits."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=caller {session_id} {version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {PCMA} {TELEPHONE_EVENT}",
        f"a=rtpmap:{PCMA} PCMA/8000",
        f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000",
        f"a=fmtp:{TELEPHONE_EVENT} 0-15",
        "a=ptime:20",
        "a=sendrecv",
    )
    return "\r\n".join(lines) + "\r\n"


def read_session(text: str) -> RemoteMedia | None:
    """The audio line of the other end's description; None when there is none with a codec we know."""
    host = ""
    audio: list[str] = []
    formats: dict[int, str] = {PCMA: "PCMA/8000"}
    direction = "sendrecv"
    in_audio = False
    for line in text.replace("\r\n", "\n").split("\n"):
        kind, _, value = line.partition("=")
        if kind == "m":
            in_audio = value.startswith("audio ") and not audio
            if in_audio:
                audio = value.split()
        elif kind == "c" and (in_audio or not audio):
            host = value.split()[-1]
        elif kind == "a" and value.startswith("rtpmap:") and in_audio:
            number, _, name = value.removeprefix("rtpmap:").partition(" ")
            formats[int(number)] = name
        elif kind == "a" and value in ("sendrecv", "sendonly", "recvonly", "inactive") and (in_audio or not audio):
            direction = value
    if len(audio) < 4 or not audio[1].isdigit():
        return None
    offered = [int(number) for number in audio[3:] if number.isdigit()]
    if PCMA not in offered:
        return None
    dtmf = next((number for number in offered if formats.get(number, "").lower() == "telephone-event/8000"), None)
    return RemoteMedia(host, int(audio[1]), PCMA, dtmf, direction)
