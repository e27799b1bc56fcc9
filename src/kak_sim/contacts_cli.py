"""`kak-sim chat`, `kak-sim alarm`: bring a contact without a call by hand, as an integrator does, and write in it."""

import argparse
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, TextIO

import httpx

DEFAULT_URL = "http://127.0.0.1:8080"
POLL_S = 1.0


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands with `kak-sim`."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--url", default=DEFAULT_URL, help=f"the server ({DEFAULT_URL})")
    shared.add_argument("--token", default="lab", help="of an integrator of the server's configuration (lab)")
    shared.add_argument("--caller", default="+4790000001", help="who it is, e.g. a number")
    shared.add_argument("--name", default="", help="and by which name")
    shared.add_argument("--reference", default="", help="our own name for it (a new one each time)")
    classes = ("emergency", "urgent", "normal")
    shared.add_argument("--class", dest="klass", choices=classes, help="where the queue permits it; the queue's")
    chat = commands.add_parser("chat", help="start a chat; each line of the input is a message", parents=[shared])
    chat.add_argument("text", nargs="?", default="Hei", help="the first message")
    chat.add_argument("--queue", default="legevakt-chat")
    chat.add_argument("--channel", default="chat", help="chat, sms ...")
    chat.set_defaults(run=run, kind="chat")
    alarm = commands.add_parser("alarm", help="raise an alarm", parents=[shared])
    alarm.add_argument("text", nargs="?", default="Trygghetsalarm utløst")
    alarm.add_argument("--queue", default="alarms")
    alarm.add_argument("--area", default="")
    alarm.set_defaults(run=run, kind="alarm")


def run(arguments: argparse.Namespace) -> int:
    """Bring it; a chat goes on until either side ends it. Exit code 0; 2: the server will not have it."""
    headers = {"Authorization": f"Bearer {arguments.token}"}
    with httpx.Client(base_url=f"{arguments.url}/api/v1", headers=headers, timeout=10) as web:
        try:
            return _bring(arguments, web, sys.stdin)
        except httpx.HTTPError as problem:
            print(f"kak-sim {arguments.kind}: {arguments.url}: {problem}", file=sys.stderr)
            return 2


def _bring(arguments: argparse.Namespace, web: httpx.Client, lines: TextIO) -> int:
    body = {
        "kind": arguments.kind,
        "reference": arguments.reference or str(uuid.uuid4()),
        "queue": arguments.queue,
        "caller": arguments.caller,
        "caller_name": arguments.name,
        "text": arguments.text,
    }
    body |= {"channel": arguments.channel} if arguments.kind == "chat" else {"area": arguments.area}
    body |= {"class": arguments.klass} if arguments.klass else {}
    answer = web.post("/contacts", json=body)
    if answer.is_error:
        print(f"kak-sim {arguments.kind}: {answer.json()['error']['message']}", file=sys.stderr)
        return 2
    told = answer.json()
    contact = str(told["contact"])
    print(f"{arguments.kind} {contact} in queue {arguments.queue}, class {told['class']}", flush=True)
    if arguments.kind == "chat":
        chat(web, contact, lines)
    return 0


def chat(web: httpx.Client, contact: str, lines: TextIO, rest: Callable[[float], None] = time.sleep) -> None:
    """Send each line, print what the operator writes, until the chat or the input is over."""
    typed: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            typed.put(line.strip())
        typed.put(None)

    threading.Thread(target=read, daemon=True).start()
    seen, state = 0, ""
    while state != "ended":
        while not typed.empty():
            line = typed.get()
            if line is None:
                web.post(f"/contacts/{contact}/end").raise_for_status()
            elif line:
                web.post(f"/contacts/{contact}/messages", json={"text": line}).raise_for_status()
        told: dict[str, Any] = (
            web.get(f"/contacts/{contact}/messages", params={"after": seen}).raise_for_status().json()
        )
        for message in told["messages"]:
            seen = message["number"]
            if message["by"] == "operator":
                print(f"> {message['text']}", flush=True)
        if told["state"] != state:
            state = told["state"]
            print(f"({state})", flush=True)
        if state != "ended":
            rest(POLL_S)
