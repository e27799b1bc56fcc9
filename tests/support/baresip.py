"""baresip as a caller: another SIP and media stack. It plays a WAV file to the other end."""

import asyncio
import contextlib
import re
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

Samples = npt.NDArray[np.int16]
MODULES = Path("/usr/lib/baresip/modules")
needs_baresip = pytest.mark.skipif(
    shutil.which("baresip") is None or not MODULES.exists(), reason="baresip is not installed"
)

_CONFIG = """module_path {modules}
module g711.so
module opus.so
module srtp.so
module sndfile.so
module aufile.so
module aubridge.so
module_app account.so
module_app menu.so
sip_listen 127.0.0.1:{port}
call_max_calls 1
audio_source aufile,{wav}
audio_player aubridge,quiet
audio_alert aubridge,quiet
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
net_interface 127.0.0.1
snd_path {sound}
"""


def heard_by(folder: Path) -> Samples:
    """What a caller in this folder has heard so far, at 8 kHz: the file its sndfile module writes (any clock, 16 bit).
    Empty while there is none."""
    files = sorted((folder / "baresip" / "sound").glob("dump-*-dec.wav"))
    if not files:
        return np.zeros(0, np.int16)
    data = files[-1].read_bytes()
    if len(data) < 44:
        return np.zeros(0, np.int16)
    channels, rate_hz = struct.unpack_from("<HI", data, 22)
    frames = np.frombuffer(data[44 : 44 + (len(data) - 44) // (2 * channels) * 2 * channels], np.int16)
    heard: Samples = frames.reshape(-1, channels)[:: rate_hz // 8_000, 0].copy()
    return heard


def received_bits_per_s(log: Path) -> list[int]:
    """What baresip received, as it said every 200 ms: `audio=sent/received (bit/s)`."""
    return [int(rate) for rate in re.findall(r"audio=[0-9]+/([0-9]+)", log.read_text(errors="replace"))]


@contextlib.asynccontextmanager
async def baresip_call(
    folder: Path,
    caller: str,
    target: str,
    wav: Path,
    *,
    seconds: int = 120,
    transport: str = "",
    config: str = "",
    account: str = "audio_codecs=PCMA/8000/1",
    port: int = 0,
) -> AsyncIterator[Path]:
    """Calls `target` (a SIP address) as `caller`, plays the file (8 kHz mono) once answered, hangs up when the block is
    left. Gives its log. `transport` is that of its account, `account` its other parameters, `config` more lines of its
    configuration. Without a target it waits at `port` instead, and answers whoever calls."""
    conf = folder / "baresip"
    (conf / "sound").mkdir(parents=True)
    (conf / "config").write_text(
        _CONFIG.format(modules=MODULES, wav=wav, sound=conf / "sound", port=port) + config, encoding="utf-8"
    )
    uri = f"sip:{caller}@127.0.0.1" + (f";transport={transport}" if transport else "")
    mode = "" if target else ";answermode=auto"
    (conf / "accounts").write_text(f"<{uri}>;regint=0{mode};{account}\n", encoding="utf-8")
    log = folder / "baresip.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *("baresip", "-f", str(conf), *(("-e", f"/dial {target}") if target else ()), "-t", str(seconds)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield log
    finally:
        if process.returncode is None:
            process.terminate()  # it sends BYE or CANCEL
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()
