"""The operators of the call benchmark: robots in a process of their own, on the public position API.

Prints {"ready": n} when all are available; on SIGTERM one JSON list of what they handled, and ends.
"""

import argparse
import asyncio
import dataclasses
import gc
import json
import signal

import uvloop

from kak_sim.callers.sound import steady
from kak_sim.robots.client import PositionClient
from kak_sim.robots.robot import Manner, Robot


def people(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """User names and positions."""
    if arguments.people is None:
        return [(f"robot-{number}", f"bench-{number}") for number in range(1, arguments.robots + 1)]
    rows = (line.split() for line in arguments.people.read().splitlines())
    return [(username, position) for username, position in rows]


async def run(arguments: argparse.Namespace) -> None:
    """All robots until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    manner = Manner(wrap_up_ms=arguments.wrap_up_ms)
    robots = []
    for username, position in people(arguments):
        client = PositionClient(arguments.url, username, "lab")
        robots.append(Robot(client, position, manner, source=steady(600)))
    for robot in robots:
        await robot.start()
    gc.collect()
    gc.freeze()  # a collector's pause here would be measured as the server's
    gc.set_threshold(50_000)
    print(json.dumps({"ready": len(robots)}), flush=True)
    await stop.wait()
    handled = [dataclasses.asdict(row) for robot in robots for row in robot.handled]
    print(json.dumps(handled), flush=True)
    for robot in robots:
        await robot.stop()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--robots", type=int, default=0)
    parser.add_argument("--people", type=argparse.FileType(), help="file of user names and positions, one pair a line")
    parser.add_argument("--wrap-up-ms", type=int, required=True)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
