"""`kak-sim radios`, `radio`, `policy`: drive the simulated radios by hand, through the control API."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

DEFAULT_API = "http://127.0.0.1:8090"
POLL_S = 0.2
PRIORITIES = {"low": 0, "high": 1, "preemptive": 2, "emergency": 3}

Run = Callable[[argparse.Namespace, httpx.Client], int]


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands with `kak-sim`."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--api", default=DEFAULT_API, help=f"control API of the simulators ({DEFAULT_API})")
    shared.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    _add(commands, "radios", "list the radios", shared, _list)
    policy = _add(commands, "policy", "see or change how the network answers requests to talk", shared, _policy)
    policy.add_argument("--grant", choices=["grant", "deny", "queue"])
    policy.add_argument("--busy", choices=["queue", "deny"])
    policy.add_argument("--scope", choices=["consoles", "radios", "all"])
    policy.add_argument("--interrupt-after-ms", type=int)
    policy.add_argument("--max-ms", type=int)
    policy.add_argument("--hang-ms", type=int)
    _add(commands, "emergencies", "radios' emergencies at the gateway: up, had by whom, over", shared, _emergencies)
    radio = commands.add_parser("radio", help="one radio: press its key, listen, speak, turn it")
    radio.add_argument("issi", type=int, metavar="ISSI")
    actions = radio.add_subparsers(dest="action", required=True)
    ptt = _add(actions, "ptt", "press the key for a while", shared, _ptt)
    ptt.add_argument("--source", default="tone:700", help="tone:HZ, tones:HZ,HZ:MS, file:PATH, speech:TEXT")
    ptt.add_argument("--seconds", type=float, default=3.0, help="how long to hold the key at most (3)")
    ptt.add_argument("--priority", choices=list(PRIORITIES), default="low")
    say = _add(actions, "say", "speak a text (espeak-ng) and let go", shared, _say)
    say.add_argument("text")
    say.add_argument("--priority", choices=list(PRIORITIES), default="low")
    listen = _add(actions, "listen", "tell what the radio hears", shared, _listen)
    listen.add_argument("--seconds", type=float, default=0.0, help="how long (0: until Ctrl-C)")
    listen.add_argument("--record", type=Path, help="write what it hears to this WAV file")
    alarm = _add(actions, "emergency", "press the emergency key", shared, _emergency)
    alarm.add_argument("--off", action="store_true", help="the alarm is over")
    select = _add(actions, "select", "turn to another talkgroup", shared, _select)
    select.add_argument("gssi", type=int, metavar="GSSI")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    shared: argparse.ArgumentParser,
    run: Run,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, parents=[shared])
    parser.set_defaults(run=lambda arguments: _with_client(arguments, run))
    return parser


def _with_client(arguments: argparse.Namespace, run: Run) -> int:
    try:
        with httpx.Client(base_url=arguments.api, timeout=40.0, trust_env=False) as client:
            return run(arguments, client)
    except httpx.HTTPStatusError as problem:
        print(f"kak-sim: {_reason(problem.response)}", file=sys.stderr)
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        print(f"kak-sim: no simulator at {arguments.api}: {problem}", file=sys.stderr)
        return 2


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"refused with {response.status_code}"


def _ask(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    response = client.request(method, path, json=body)
    response.raise_for_status()
    return response.json()


def _show(arguments: argparse.Namespace, answer: Any, sentence: str) -> None:
    print(json.dumps(answer, ensure_ascii=False) if arguments.json else sentence, flush=True)


def _sentence(radio: dict[str, Any]) -> str:
    key = radio["key"] + (f" ({radio['cause']})" if radio["cause"] else "")
    hears = f"hears {radio['hears']}" if radio["hears"] else "hears nobody"
    return f"{radio['issi']} {radio['alias']}, group {radio['gssi']}: key {key}, {hears}"


def _list(arguments: argparse.Namespace, client: httpx.Client) -> int:
    radios = _ask(client, "GET", "/radios")
    _show(arguments, radios, "\n".join(_sentence(radio) for radio in radios))
    return 0


def _policy(arguments: argparse.Namespace, client: httpx.Client) -> int:
    names = ("grant", "busy", "scope", "interrupt_after_ms", "max_ms", "hang_ms")
    changes = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    policy = _ask(client, "PUT", "/policy", changes) if changes else _ask(client, "GET", "/policy")
    _show(arguments, policy, ", ".join(f"{name} {value}" for name, value in policy.items()))
    return 0


def _ptt(arguments: argparse.Namespace, client: httpx.Client) -> int:
    return _speak(arguments, client, arguments.source, arguments.seconds)


def _say(arguments: argparse.Namespace, client: httpx.Client) -> int:
    return _speak(arguments, client, f"speech:{arguments.text}", 120.0)


def _speak(arguments: argparse.Namespace, client: httpx.Client, source: str, seconds: float) -> int:
    """Hold the key until the sound is over, the time is up, or the network takes the floor away."""
    path = f"/radios/{arguments.issi}"
    body = {"on": True, "source": source, "priority": PRIORITIES[arguments.priority]}
    radio = _ask(client, "POST", f"{path}/ptt", body)
    _show(arguments, radio, _sentence(radio))
    until_s = time.monotonic() + seconds
    talked = False
    try:
        while time.monotonic() < until_s:
            talked = talked or radio["key"] == "talking"
            if radio["key"] not in ("requested", "queued", "talking"):
                break
            time.sleep(min(POLL_S, max(0.0, until_s - time.monotonic())))
            radio = _ask(client, "GET", path)
    except KeyboardInterrupt:
        pass  # the key is let go below, as a hand would
    if radio["key"] in ("requested", "queued", "talking"):
        radio = _ask(client, "POST", f"{path}/ptt", {"on": False})
    _show(arguments, radio, _sentence(radio))
    return 0 if talked and radio["key"] == "idle" else 1


def _listen(arguments: argparse.Namespace, client: httpx.Client) -> int:
    path = f"/radios/{arguments.issi}"
    if arguments.record:
        _ask(client, "POST", f"{path}/record", {"path": str(arguments.record.resolve())})
    until_s = time.monotonic() + arguments.seconds if arguments.seconds > 0 else float("inf")
    told = ""
    try:
        while time.monotonic() < until_s:
            radio = _ask(client, "GET", path)
            sentence = _sentence(radio)
            if sentence != told:
                told = sentence
                _show(arguments, radio, sentence)
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        pass  # Ctrl-C is how listening ends
    if arguments.record:
        written = _ask(client, "POST", f"{path}/record/stop")
        _show(arguments, written, f"recorded {written['seconds']:.1f} s to {written['path']}")
    return 0


def _emergency(arguments: argparse.Namespace, client: httpx.Client) -> int:
    told = _ask(client, "POST", f"/radios/{arguments.issi}/emergency", {"on": not arguments.off})
    _show(arguments, told, f"{arguments.issi}: emergency {'over' if arguments.off else 'raised'}")
    return 0 if told["changed"] else 1


def _emergencies(arguments: argparse.Namespace, client: httpx.Client) -> int:
    for one in _ask(client, "GET", "/emergencies"):
        by = f" by {one['by']}" if one["by"] else ""
        why = f" ({one['reason']})" if one["reason"] else ""
        _show(arguments, one, f"{one['alias'] or one['issi']}: {one['state']}{by}{why}")
    return 0


def _select(arguments: argparse.Namespace, client: httpx.Client) -> int:
    radio = _ask(client, "POST", f"/radios/{arguments.issi}/group", {"gssi": arguments.gssi})
    _show(arguments, radio, _sentence(radio))
    return 0
