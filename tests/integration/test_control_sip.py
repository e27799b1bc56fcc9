"""The control process with TLS and IPv6 listeners: a trunk it asks and misses, certificates renewed on SIGHUP."""

import asyncio
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.unit.sip.aio.certificates import Authority

CONFIG = """\
server: {{lab: true, data_dir: {folder}/data, http: {{port: {http}}}}}
sip:
  listeners:
    - name: carriers
      host: 127.0.0.1
      port: {sip}
      transports: [udp, tls]
      tls: {{port: {tls}, cert: {cert}, key: {key}}}
    - {{name: six, host: "::1", port: {sip}, transports: [udp]}}
  trunks:
    - name: silent
      sources: [127.0.0.0/8]
      health: options
      address: "sip:127.0.0.1:{nobody}"
      health_interval_s: 1
      health_misses: 1
rooms: [{{id: amk, name: AMK, positions: 1}}]
queues: [{{id: q, name: Q, numbers: [113], class: emergency, rooms: [amk]}}]
"""


@asynccontextmanager
async def control(
    folder: Path, template: str = CONFIG, /, **values: object
) -> AsyncIterator[asyncio.subprocess.Process]:
    config, log = folder / "config.yaml", folder / "control.log"
    config.write_text(template.format(folder=folder, **values), encoding="utf-8")
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kak_server.cli", "serve", "--config", str(config)), stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)
    assert process.returncode == 0, log.read_text(encoding="utf-8")


async def until_metrics_say(client: httpx.AsyncClient, wanted: str) -> None:
    async with asyncio.timeout(40):
        while True:
            try:
                if wanted in (await client.get("/metrics")).text:
                    return
            except httpx.TransportError:  # not listening yet
                pass
            await asyncio.sleep(0.1)


async def served_certificate(port: int, context: ssl.SSLContext) -> bytes:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert isinstance(found, bytes)
    return found


async def test_listeners_certificates_and_a_silent_trunk(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("server", "127.0.0.1")
    context = ssl.create_default_context(cafile=str(authority.path))
    ports = {name: free_port() for name in ("http", "sip", "tls", "nobody")}
    async with (
        control(tmp_path, cert=cert, key=key, **ports) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['http']}") as client,
    ):
        await until_metrics_say(client, 'kak_sip_trunk_up{trunk="silent"} 0.0')
        first = await served_certificate(ports["tls"], context)
        for source, target in zip(authority.issue("renewed", "127.0.0.1"), (cert, key), strict=True):
            shutil.copy(source, target)
        process.send_signal(signal.SIGHUP)
        await until_metrics_say(client, 'kak_sip_events_total{name="sip_tls_reloaded"} 1.0')
        assert await served_certificate(ports["tls"], context) != first
        assert "kak_faults_total 0.0" in (await client.get("/metrics")).text
