"""Versions of the configuration at a running server: published with calls waiting, kept by a kill, rolled back."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kak_sim.lab import Lab
from kak_sim.robots.client import ApiRefusedError, PositionClient
from tests.support.lab import calling, operator, running_lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


async def config(lab: Lab, *arguments: str, code: int = 0) -> str:
    """`kak-server config ...` against the lab; what it printed."""
    return await command("config", *arguments, "--config", str(lab.config), code=code)


async def replayed(lab: Lab, *arguments: str, code: int = 0) -> str:
    """What if: nothing had been otherwise, or as the arguments say."""
    return await command("replay", "--data-dir", str(lab.folder / "data"), *arguments, code=code)


async def command(*arguments: str, code: int = 0) -> str:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kak_server.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = await asyncio.to_thread(run)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@contextlib.asynccontextmanager
async def answering(lab: Lab, username: str, position: str) -> AsyncIterator[PositionClient]:
    """Somebody available, with a plain telephone for sound that nobody listens to."""
    async with operator(lab, username, position) as client:
        await client.connect_rtp("127.0.0.1", 9)
        yield client


async def offered(client: PositionClient) -> str:
    """Whose call is offered there."""
    await client.until(lambda seen: seen.view.get("offer") is not None)
    return str(client.view["offer"]["caller"])


async def queues_file(lab: Lab, folder: Path, **changes: Any) -> Path:
    """The version that runs, as YAML, with other values in its first queue."""
    text = await config(lab, "export")
    value = yaml.safe_load(text)
    value["queues"][0].update(changes)
    file = folder / "changed.yaml"
    file.write_text(yaml.safe_dump({"queues": value["queues"]}))
    return file


async def test_who_waits_goes_by_the_old_rules_and_who_comes_by_the_new(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        assert "the configuration file" in await config(lab, "versions")
        file = await queues_file(lab, tmp_path, rooms=["bergen"], own_room_ms=0)
        assert "rooms:" in await config(lab, "diff", str(file))
        async with calling(lab, "113", "+4791500001") as before:
            await before.ring()
            told = await config(lab, "import", str(file), "--publish", "--comment", "only Bergen")
            assert "version 2 runs" in told
            async with calling(lab, "113", "+4791500002") as after:
                await after.ring()
                async with answering(lab, "ingrid", "bergen-1") as bergen:
                    assert await offered(bergen) == "+4791500002"  # the other came first, and its rules ask Oslo
                    async with answering(lab, "ola", "oslo-1") as oslo:
                        assert await offered(oslo) == "+4791500001"
                await after.hang_up()
            await before.hang_up()
        told = json.loads(await replayed(lab, "--json"))
        assert told["contacts"] == told["reproduced"] == 2
        told = json.loads(await replayed(lab, "--json", "--config-version", "2"))
        assert told["contacts"] == 2
        assert "new rules: version 1\n" in await replayed(lab, "--config-version", "1", "--config", str(lab.config))
        assert "no version 9" in await replayed(lab, "--config-version", "9", code=2)
        listed = json.loads(await config(lab, "versions", "--json"))
        assert [(row["number"], row["author"], row["comment"]) for row in listed["versions"]] == [
            (2, "anne", "only Bergen"),
            (1, "file", "the configuration file"),
        ]


async def test_a_version_outlives_a_kill_right_after_it_and_so_do_the_rules_of_who_waits(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        file = await queues_file(lab, tmp_path, rooms=["bergen"], own_room_ms=0)
        async with calling(lab, "113", "+4791500001") as before:
            await before.ring()
            await config(lab, "import", str(file), "--publish")
            await lab.kill_control()
            await lab.start_control()
            assert json.loads(await config(lab, "versions", "--json"))["running"] == 2
            async with calling(lab, "113", "+4791500002") as after:
                await after.ring()
                async with answering(lab, "ingrid", "bergen-1") as bergen:
                    assert await offered(bergen) == "+4791500002"
                    async with answering(lab, "ola", "oslo-1") as oslo:
                        assert await offered(oslo) == "+4791500001"
                await after.hang_up()
            await before.hang_up()
        assert "version 3 runs" in await config(lab, "rollback", "1")
        assert "no difference" in await config(lab, "diff", "1", "3")
        await lab.kill_control()
        offline = await config(lab, "versions", "--offline")
        assert "back to version 1" in offline
        assert "version 4 runs" in await config(lab, "rollback", "2", "--offline")
        await lab.start_control()
        assert json.loads(await config(lab, "versions", "--json"))["running"] == 4
        assert "ask it, without --offline" in await config(lab, "versions", "--offline", code=2)


async def test_consoles_that_are_there_call_a_queue_by_its_new_names(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab, operator(lab, "ola", "oslo-1") as ola:

        def names(view: dict[str, Any]) -> tuple[str, str]:
            first = view["transfer_targets"][0]
            return first["name"], first["name_en"]

        assert names(ola.view) == ("113 Oslo", "113 Oslo")
        file = await queues_file(lab, tmp_path, name={"nb": "Nødtelefon", "en": "Emergency line"})
        await config(lab, "import", str(file), "--publish")
        await ola.until(lambda seen: names(seen.view) == ("Nødtelefon", "Emergency line"))


async def test_only_the_configurations_administrator_may(tmp_path: Path) -> None:
    async with running_lab(tmp_path, simulators=False) as lab:
        client = PositionClient(lab.base_url, "ola", "lab")
        await client.sign_in()
        for method, path in (("GET", "versions"), ("POST", "drafts"), ("GET", "versions/1/export")):
            with pytest.raises(ApiRefusedError) as caught:
                await client.request(method, f"/api/v1/config/{path}", {} if method == "POST" else None)
            assert (caught.value.status, caught.value.code) == (403, "forbidden")
        await client.close()
        broken = tmp_path / "broken.yaml"
        broken.write_text("queues: [{id: q, name: Q, rooms: [mars]}]\n")
        told = await config(lab, "import", str(broken), "--publish", code=1)
        assert "queues/q rooms[0]: there is no room mars" in told
        assert json.loads(await config(lab, "versions", "--json"))["running"] == 1
