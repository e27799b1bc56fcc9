"""baresip as a desk phone: registers, rings, is answered, held and keyed by hand over its control socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.support.baresip import MODULES
from tests.support.ports import free_port
from tests.support.waiting import eventually

_CONFIG = """module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {folder}
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
sip_listen 127.0.0.1:{port}
call_max_calls 2
call_local_timeout 120
audio_source aufile,{voice}
audio_player aubridge,quiet
audio_alert aubridge,quiet
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
net_interface 127.0.0.1
"""


class Phone:
    """One running phone. `events` are the types of what it told, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path, log: Path) -> None:
        self.events: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.log = log
        self._folder = folder
        self._reader = reader
        self._writer = writer

    async def listen(self) -> None:
        """Read what it tells (netstrings of JSON) until it goes."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if message.get("event"):
                    self.events.append(message["type"])
                    self.told.append(message)

    def heard(self) -> list[Path]:
        """WAV files of what came in, one for each call that is over."""
        return sorted(self._folder.glob("dump-*-dec.wav"))

    def order(self, command: str, params: str = "") -> None:
        """Press something: accept, hangup, hold, resume, dial NUMBER, sndcode DIGIT, transfer TARGET."""
        data = json.dumps({"command": command, "params": params}).encode()
        self._writer.write(b"%d:%s," % (len(data), data))

    async def until(self, event: str, times: int = 1, within_s: float = 15) -> None:
        """Wait until it has told of an event so often."""
        await eventually(lambda: self.events.count(event) >= times, within_s, what=f"{times} x {event}")

    async def registered(self) -> None:
        """Wait until the server has taken its registration (it may be over before anybody listens to its events)."""
        await eventually(lambda: "[1 binding]" in self.log.read_text(errors="replace"), 15, what="registered")

    async def keys(self, digits: str) -> None:
        """Press keys in a call; each is a digit of RFC 4733."""
        for digit in digits:
            self.order("sndcode", digit)
            await asyncio.sleep(0.25)
            self.order("sndcode", "\x04")  # key up
            await asyncio.sleep(0.15)


@contextlib.asynccontextmanager
async def desk_phone(
    folder: Path,
    sip: tuple[str, int],
    username: str,
    password: str,
    voice: Path,
    *,
    transport: str = "udp",
    register: bool = True,
    port: int = 0,
    answers: str = "manual",
) -> AsyncIterator[Phone]:
    """A phone that registers with the server at `sip` (unless it is only to call) and speaks the sound of a file (8 kHz
    mono). Unregisters when the block is left. `port` is where it listens (0: any), `answers` how: "manual", "early"
    (with early media first), "auto"."""
    conf = folder / f"phone-{username}"
    conf.mkdir()
    control = free_port()
    log = conf / "phone.log"
    text = _CONFIG.format(modules=MODULES, port=port, control=control, voice=voice, folder=conf)
    (conf / "config").write_text(text, encoding="utf-8")
    account = (
        f"<sip:{username}@{sip[0]}:{sip[1]};transport={transport}>;auth_pass={password};regint={60 if register else 0};"
        f"audio_codecs=PCMA/8000/1;answermode={answers}\n"
    )
    (conf / "accounts").write_text(account, encoding="utf-8")
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-s", "-f", str(conf), "-t", "300"), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out
        )
    reading: asyncio.Task[None] | None = None
    try:
        reader, writer = await _connected(control)
        phone = Phone(reader, writer, conf, log)
        reading = asyncio.create_task(phone.listen())
        yield phone
    except BaseException:
        print(log.read_text(errors="replace")[-6_000:])
        raise
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()
        if reading is not None:
            reading.cancel()


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(100):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("the phone's control socket does not answer")
