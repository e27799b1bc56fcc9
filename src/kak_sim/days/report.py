"""The report of a national day: service levels of each room under several variants, as HTML with pictures.

matplotlib draws the pictures; it is an extra of its own (`pip install kak-server[report]`, `make sim-national`).
"""

import base64
import html
import importlib
import io
from collections.abc import Mapping
from typing import Any

from kak_server.model.light import frozen
from kak_server.routing.api import ContactClass
from kak_sim.days.levels import Level
from kak_sim.days.national import GOALS

SERVICES: Mapping[ContactClass, str] = {ContactClass.EMERGENCY: "113", ContactClass.NORMAL: "116117"}
COLOURS = ("#b3261e", "#1f5fa8", "#1b7f4b", "#7a4fa3")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid #ccc }
th:first-child, td:first-child { text-align: left }
td.low { color: #b3261e; font-weight: 600 }
img { max-width: 100%; display: block; margin: 1rem 0 }
"""


@frozen
class Told:
    """What one variant did to the day."""

    name: str
    text: str
    events: int
    calls: int
    whole: Mapping[ContactClass, Level]
    rooms: Mapping[ContactClass, Mapping[str, Level]]
    hours: Mapping[ContactClass, Mapping[str, Level]]  # key: half hour of arrival, "HH:MM"


def _goal(klass: ContactClass) -> str:
    within_ms, share = GOALS[klass]
    return f"{share:.0%} within {within_ms // 1_000} s"


def _picture(figure: Any) -> str:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, bbox_inches="tight")
    return base64.b64encode(data.getvalue()).decode()


def pictures(told: list[Told], klass: ContactClass) -> dict[str, str]:
    """Base64 PNG of each picture by its caption. Raises ImportError without matplotlib."""
    importlib.import_module("matplotlib").use("Agg")
    plot: Any = importlib.import_module("matplotlib.pyplot")
    _, goal = GOALS[klass]
    rooms = sorted(told[0].rooms[klass], key=lambda room: told[0].rooms[klass][room].share)
    by_room, axes = plot.subplots(figsize=(12, max(4.0, len(rooms) * 0.16)))
    for variant, colour in zip(told, COLOURS, strict=False):
        shares = [variant.rooms[klass][room].share * 100 for room in rooms]
        axes.plot(shares, range(len(rooms)), "o", color=colour, label=variant.name, markersize=4)
    axes.axvline(goal * 100, color="#555555", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(rooms)), rooms, fontsize=7)
    axes.set_xlabel("service level, %")
    axes.set_xlim(-2, 102)
    axes.set_ylim(-1, len(rooms))
    axes.grid(axis="x", color="#dddddd")
    axes.legend(loc="lower left")
    by_hour, axes = plot.subplots(figsize=(12, 4))
    for variant, colour in zip(told, COLOURS, strict=False):
        hours = sorted(variant.hours[klass])
        axes.plot(hours, [variant.hours[klass][hour].share * 100 for hour in hours], color=colour, label=variant.name)
    axes.axhline(goal * 100, color="#555555", linewidth=1, linestyle="--")
    axes.set_ylabel("service level, %")
    axes.set_ylim(-2, 102)
    axes.set_xticks(axes.get_xticks()[::4])
    axes.grid(color="#dddddd")
    axes.legend(loc="lower left")
    found = {
        f"{SERVICES[klass]}: service level of each room ({_goal(klass)})": _picture(by_room),
        f"{SERVICES[klass]}: through the day, by half hour of arrival": _picture(by_hour),
    }
    plot.close("all")
    return found


def _row(name: str, level: Level, goal: float) -> str:
    low = ' class="low"' if level.share < goal else ""
    return (
        f"<tr><td>{html.escape(name)}</td><td>{level.calls:,}</td><td{low}>{level.share:.1%}</td>"
        f"<td>{level.abandoned:.1%}</td><td>{level.mean_wait_s:.1f}</td><td>{level.wait_s(0.9):.1f}</td>"
        f"<td>{level.longest_ms / 1_000:.0f}</td></tr>"
    )


HEAD = (
    "<tr><th></th><th>calls</th><th>service level</th><th>abandoned</th><th>mean wait, s</th><th>90 % within, s</th>"
    "<th>longest, s</th></tr>"
)


def page(title: str, told: list[Told]) -> str:
    """The whole report."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1><ul>",
        *(f"<li><b>{html.escape(one.name)}</b>: {html.escape(one.text)}</li>" for one in told),
        "</ul><p>Service level: answered within the threshold, of all calls but those that gave up within it.</p>",
    ]
    for klass, service in SERVICES.items():
        _, goal = GOALS[klass]
        parts.append(f"<h2>{service} ({_goal(klass)})</h2><table>{HEAD}")
        parts += [_row(one.name, one.whole[klass], goal) for one in told]
        parts.append("</table>")
        for caption, picture in pictures(told, klass).items():
            parts.append(f'<h3>{html.escape(caption)}</h3><img alt="{html.escape(caption)}" ')
            parts.append(f'src="data:image/png;base64,{picture}">')
        for one in told:
            parts.append(f"<details><summary>{service}, {html.escape(one.name)}: every room</summary><table>{HEAD}")
            parts += [_row(room, level, goal) for room, level in sorted(one.rooms[klass].items())]
            parts.append("</table></details>")
    return "\n".join(parts) + "</html>\n"
