"""`kak-sim` as a person runs it: a network process, radios driven from the shell, a clean end."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from kak_sim.audio import read_wav, sequence_of
from kak_sim.cli import main
from tests.support.radio import console


@dataclass
class Network:
    """The running process and where it listens."""

    process: asyncio.subprocess.Process
    gateway_port: int
    api: str


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kak_sim.cli", "network"),
        *("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:9"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.search(r"ws://127\.0\.0\.1:(\d+) .* (http://127\.0\.0\.1:\d+)", line)
    assert found is not None, line
    yield Network(process, int(found[1]), found[2])
    if process.returncode is None:
        process.kill()
    await process.wait()


async def kak_sim(*words: str) -> tuple[int, str]:
    """Run the command line; exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kak_sim.cli", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_with_a_console_connected(network: Network, number: signal.Signals) -> None:
    async with console(network.gateway_port), httpx.AsyncClient(base_url=network.api, trust_env=False) as api:
        assert (await api.get("/state")).json()["consoles"][0]["room"] == "kak"
        network.process.send_signal(number)
        assert await asyncio.wait_for(network.process.wait(), 10) == 0


async def test_a_radio_speaks_and_another_hears_it(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    words = ("radio", "2420101", "ptt", "--api", network.api, "--source", "tones:500,900:400", "--seconds", "20")
    async with httpx.AsyncClient(base_url=network.api, trust_env=False) as client:
        await client.post("/radios/2420102/record", json={"path": str(path)})
        code, output = await kak_sim(*words)
        await client.post("/radios/2420102/record/stop")
    assert code == 0, output
    assert "key talking" in output
    assert sequence_of(read_wav(path)[0], [500.0, 700.0, 900.0]) == [500.0, 900.0]


async def test_a_person_listens_to_a_radio(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    words = ("radio", "2420102", "listen", "--api", network.api, "--seconds", "0.6", "--record", str(path))
    async with httpx.AsyncClient(base_url=network.api, trust_env=False) as client:
        await client.post("/radios/2420101/ptt", json={"on": True, "source": "tone:700"})
        code, output = await kak_sim(*words)
    assert code == 0, output
    assert "hears Ambulanse 1-1" in output
    assert "recorded" in output
    assert sequence_of(read_wav(path)[0], [500.0, 700.0, 900.0]) == [700.0]


async def test_denied_and_unknown_are_said_with_an_exit_code(network: Network) -> None:
    api = ("--api", network.api)
    code, output = await kak_sim("policy", *api, "--grant", "deny", "--scope", "all", "--json")
    assert (code, json.loads(output)["grant"]) == (0, "deny")
    code, output = await kak_sim("radio", "2420101", "ptt", *api)
    assert (code, "denied" in output) == (1, True)
    code, output = await kak_sim("radio", "99", "select", *api, "24201")
    assert (code, "no radio 99" in output) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["network", "--config", "/nowhere.yaml"], "No such file"),
        (["network", "--calls-per-minute", "5"], "needs --sip"),
        (["network", "--listen", "127.0.0.1:1", "--media-host", "256.1.1.1"], "256.1.1.1"),
        (["radios", "--api", "http://127.0.0.1:9"], "no simulator"),
        (["radios", "--api", "nonsense"], "no simulator"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


async def test_a_port_that_is_taken_is_said_in_one_line(network: Network) -> None:
    code, output = await kak_sim("network", "--listen", f"127.0.0.1:{network.gateway_port}", "--http", "127.0.0.1:0")
    assert code == 2
    assert "address already in use" in output.lower()
