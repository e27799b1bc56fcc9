"""A chat from the command line, against a server that is a few lines."""

import io
import json

import httpx
import pytest

from kak_sim.cli import main
from kak_sim.contacts_cli import chat


class Server:
    """Answers as docs/integrators/contacts.md says, for one chat."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.state = "connected"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        assert path.startswith("/api/contacts/c1/")
        if path.endswith("/end"):
            self.state = "ended"
        elif request.method == "POST":
            self.said.append(json.loads(request.content)["text"])
        after = int(request.url.params.get("after", 0))
        rows = [{"number": 1, "by": "operator", "text": "Hei, hva gjelder det?", "at_ms": 1}][after:]
        return httpx.Response(200, json={"messages": rows, "state": self.state})


def test_lines_are_sent_answers_printed_once_and_the_end_of_the_input_ends_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = Server()
    rests: list[float] = []
    with httpx.Client(base_url="http://kak/api", transport=httpx.MockTransport(server)) as web:
        chat(web, "c1", io.StringIO("feber\n\n39 grader\n"), rests.append)
    assert server.said == ["feber", "39 grader"]
    out = capsys.readouterr().out
    assert out.count("> Hei, hva gjelder det?") == 1
    assert out.endswith("(ended)\n")


def test_a_server_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alarm", "--url", "http://127.0.0.1:9"]) == 2
    assert "kak-sim alarm: http://127.0.0.1:9:" in capsys.readouterr().err
