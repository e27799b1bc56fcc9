"""A call's SIP messages over the API and by the command line: for technicians and admins only, each time audited."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kak_server.cli import main
from kak_server.sip.trace_wire import to_wire
from tests.integration.console.backend import PASSWORD
from tests.integration.console.conftest import Running
from tests.unit.sip.tracing import PLACES, call_trace, request, response, traced

TRACE = to_wire(
    call_trace(traced(0, False, request("INVITE", body=b"v=0")), traced(1, True, response("100 Trying", "INVITE"))),
    PLACES,
)


def audits(running: Running) -> list[Any]:
    return [entry for entry in running.house.audits if entry[1] == "sip.traced"]


async def test_a_technician_gets_it_and_it_is_audited(running: Running) -> None:
    running.house.traces["contact-1"] = TRACE
    async with running.tab() as tab:
        await tab.sign_in("tore")
        answer = await tab.http.get("/api/v1/calls/contact-1/sip")
        assert answer.json() == TRACE
        assert audits(running) == [("op-tore", "sip.traced", "contact-1", {"messages": 2})]
        missing = await tab.http.get("/api/v1/calls/contact-2/sip")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not-found")
        assert len(audits(running)) == 1


@pytest.mark.parametrize("name", ["a/b?c@host;x", "+4791500001", "f%2F@[::1]"])
async def test_any_call_id_can_be_asked_for(running: Running, name: str) -> None:
    running.house.traces[name] = {**TRACE, "contact": None, "call": None}
    async with running.tab() as tab:
        await tab.sign_in("tore")
        quoted = "".join(f"%{byte:02X}" for byte in name.encode())
        assert (await tab.http.get(f"/api/v1/calls/{quoted}/sip")).json()["sip_call_ids"] == ["a@b"]
        # The caller's number is not for the audit log
        assert audits(running) == [("op-tore", "sip.traced", "no call of ours", {"messages": 2})]


@pytest.mark.parametrize("username", ["kari", "wally"])
async def test_others_are_refused(running: Running, username: str) -> None:
    running.house.traces["contact-1"] = TRACE
    async with running.tab() as tab:
        await tab.sign_in(username)
        answer = await tab.http.get("/api/v1/calls/contact-1/sip")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    async with running.tab() as stranger:
        assert (await stranger.http.get("/api/v1/calls/contact-1/sip")).status_code == 401
    assert audits(running) == []


async def test_a_technician_may_do_nothing_else_but_sign_out(running: Running) -> None:
    async with running.tab() as tab:
        assert (await tab.sign_in("tore")).json()["user"]["roles"] == ["technician"]
        assert (await tab.http.get("/api/v1/session")).status_code == 200
        for method, path in (
            ("GET", "/positions"),
            ("GET", "/calls"),
            ("GET", "/calls/c1/explain"),
            ("GET", "/recordings/r1/audio"),
            ("POST", "/position"),
            ("POST", "/commands/contact.hangup"),
        ):
            assert (await tab.send(method, path, {})).status_code == 403, path
        assert (await tab.http.delete("/api/v1/session")).status_code == 403  # without the csrf token
        assert (await tab.send("DELETE", "/session")).status_code == 200
        assert (await tab.http.get("/api/v1/session")).status_code == 401


# --- the command ------------------------------------------------------------------------------------------------------


async def command(running: Running, *arguments: str, user: str = "tore") -> int:
    argv = ["sip", "trace", "--url", running.base, "--user", user, *arguments]
    return await asyncio.to_thread(main, argv)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAK_PASSWORD", PASSWORD)


async def test_the_ladder_and_a_private_capture_file(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running.house.traces["contact-1"] = TRACE
    out = tmp_path / "out.pcap"
    out.write_text("left by somebody, readable by all")
    out.chmod(0o644)
    assert await command(running, "contact-1", "--pcap", str(out)) == 0
    said = capsys.readouterr()
    assert "|------------ INVITE (1) sdp ----------->|" in said.out
    assert f"{out}: 2 messages" in said.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    assert running.house.sessions == {}  # signed out again


async def test_json_is_what_the_api_gives(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    running.house.traces["last"] = TRACE
    assert await command(running, "last", "--json") == 0
    assert json.loads(capsys.readouterr().out) == TRACE


async def test_nothing_kept_is_exit_code_1(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command(running, "contact-9") == 1
    assert "nothing is kept of a call 'contact-9'" in capsys.readouterr().err


async def test_who_may_not_hears_why(
    running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await command(running, "c1", user="kari") == 2
    assert "kari: needs the role technician or admin" in capsys.readouterr().err
    monkeypatch.setenv("KAK_PASSWORD", "wrong")
    assert await command(running, "c1") == 2
    assert "tore: unknown user name or wrong password" in capsys.readouterr().err


async def test_a_server_that_is_none(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    running.house.traces["c1"] = {**TRACE, "messages": [{**TRACE["messages"][0], "data_base64": "a"}]}
    assert await command(running, "c1") == 2
    assert "this is no trace" in capsys.readouterr().err
    assert main(["sip", "trace", "c1", "--url", "http://127.0.0.1:9", "--user", "tore"]) == 2
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err
    assert main(["sip", "trace", "c1", "--url", "http://127.0.0.1:9"]) == 2
    assert "say who asks: --user NAME" in capsys.readouterr().err
