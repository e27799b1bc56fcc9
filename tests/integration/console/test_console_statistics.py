"""Statistics over HTTP: who sees what, what may be asked, and the same rows as JSON and CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest

from kak_server.console.ports import User
from kak_server.console.statistics import Answer, By, Question
from kak_server.model.codec import Json
from kak_server.model.ids import OperatorId, RoomId
from tests.integration.console.backend import CardHouse
from tests.integration.console.conftest import Running, Start

ROWS: list[dict[str, Json]] = [
    {"half_hour": "2026-11-27T08:00:00Z", "key": "113-oslo", "cursor": 7, "offered": 3, "asa_ms": None},
    {"half_hour": "2026-11-27T08:30:00Z", "key": "113-oslo", "cursor": 9, "offered": 4, "asa_ms": 2_500},
]
LIVE: dict[str, Json] = {
    "by": "queue",
    "now_ms": 1_000,
    "half_hour_ms": 0,
    "day_start_ms": 0,
    "complete": True,
    "rows": [
        {
            "key": "113-oslo",
            "room": "oslo",
            "waiting": 1,
            "longest_since_ms": 900,
            "threshold_ms": 10_000,
            "goal_percent": 90,
            "half_hour": {"offered": 3, "service_level_negative_percent": 66.67},
            "today": {"offered": 3},
        }
    ],
}


class Figures:
    """A house that only remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.looks: list[tuple[By, frozenset[str] | None]] = []

    async def live(self, by: By, rooms: frozenset[str] | None) -> Mapping[str, Json]:
        self.looks.append((by, rooms))
        return LIVE

    async def intervals(self, question: Question) -> Answer:
        self.questions.append(question)
        return Answer(ROWS, 9, True)

    async def csv(self, question: Question) -> tuple[str, Answer]:
        answer = await self.intervals(question)
        return "half_hour,key\r\n" + "".join(f"{row['half_hour']},{row['key']}\r\n" for row in answer.rows), answer


@pytest.fixture
async def counting(start: Start) -> Running:
    house = CardHouse()
    for name, roles in {
        "sofie": {"supervisor", "operator"},
        "stat": {"statistics"},
        "hr": {"statistics-people"},
        "boss": {"admin"},
    }.items():
        hashed = next(iter(house.users.values())).password_hash
        house.users[name] = User(
            OperatorId(f"op-{name}"), name, name, hashed, frozenset(roles), rooms=(RoomId("oslo"), RoomId("bergen"))
        )
    running = await start(house)
    running.shell.statistics = Figures()
    return running


def figures(running: Running) -> Figures:
    assert isinstance(running.shell.statistics, Figures)
    return running.shell.statistics


SPAN = "from=2026-11-27T08:00:00Z&to=2026-11-27T10:00:00%2B01:00"


@pytest.mark.parametrize(
    ("who", "by", "rooms"),
    [
        ("sofie", "queue", frozenset({"oslo", "bergen"})),
        ("sofie", "room", frozenset({"oslo", "bergen"})),
        ("sofie", "operator", frozenset({"oslo", "bergen"})),
        ("stat", "queue", None),
        ("boss", "room", None),
        ("hr", "operator", None),
        ("hr", "queue", None),
    ],
)
async def test_who_sees_whose(counting: Running, who: str, by: str, rooms: frozenset[str] | None) -> None:
    async with counting.tab() as tab:
        await tab.sign_in(who)
        assert (await tab.http.get(f"/api/v1/statistics/live?by={by}")).json()["rows"][0]["key"] == "113-oslo"
        assert (await tab.http.get(f"/api/v1/statistics/intervals?by={by}&{SPAN}")).status_code == 200
    assert figures(counting).looks == [(by, rooms)]
    (question,) = figures(counting).questions
    assert (question.by, question.rooms) == (by, rooms)
    assert question.to_ms - question.from_ms == 3_600_000


@pytest.mark.parametrize(
    ("who", "by"), [("stat", "operator"), ("boss", "operator"), ("kari", "queue"), ("tore", "room")]
)
async def test_who_does_not(counting: Running, who: str, by: str) -> None:
    """Figures of persons are for shift leads and those trusted with them; operators and technicians see none."""
    async with counting.tab() as tab:
        await tab.sign_in(who)
        for path in ("live?", f"intervals?{SPAN}&", f"intervals.csv?{SPAN}&"):
            answer = await tab.http.get(f"/api/v1/statistics/{path}by={by}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    async with counting.tab() as stranger:
        assert (await stranger.http.get("/api/v1/statistics/live")).status_code == 401
    assert figures(counting).questions == []
    assert figures(counting).looks == []


async def test_csv_and_its_cursor(counting: Running) -> None:
    async with counting.tab() as tab:
        await tab.sign_in("stat")
        answer = await tab.http.get("/api/v1/statistics/intervals.csv?after=0&limit=2")
        assert answer.headers["content-type"].startswith("text/csv")
        assert (answer.headers["kak-cursor"], answer.headers["kak-more"]) == ("9", "1")
        assert [row["half_hour"] for row in csv.DictReader(io.StringIO(answer.text))] == [
            "2026-11-27T08:00:00Z",
            "2026-11-27T08:30:00Z",
        ]
        whole = (await tab.http.get("/api/v1/statistics/intervals?after=9")).json()
        assert (whole["rows"], whole["cursor"], whole["more"]) == (ROWS, 9, True)
    first, second = figures(counting).questions
    assert (first.after, first.from_ms, first.limit) == (0, 0, 2)
    assert (second.after, second.limit) == (9, 1_000)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-11-27T08:00:00Z",
        "to=2026-11-27T08:00:00Z",
        "from=2026-11-27T08:00:00&to=2026-11-27T09:00:00Z",
        "from=2026-11-27T08:00:00Z&to=2026-11-27T08:00:00Z",
        "from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z",
        "from=yesterday&to=today",
        "from=0001-01-01T00:00:00%2B14:00&to=0001-01-02T00:00:00Z",
        "after=-1",
        "after=x",
        "after=1&limit=0",
        "after=1&limit=5001",
        "after=1&by=patient",
    ],
)
async def test_what_may_not_be_asked(counting: Running, query: str) -> None:
    async with counting.tab() as tab:
        await tab.sign_in("stat")
        for path in ("intervals", "intervals.csv"):
            answer = await tab.http.get(f"/api/v1/statistics/{path}?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad-request")
    assert figures(counting).questions == []


async def test_too_many_questions(counting: Running) -> None:
    """A console that looks once a second is well below; a loop gone wild is told to wait, and others are served."""
    async with counting.tab() as tab:
        await tab.sign_in("stat")
        codes: list[int] = []
        answer: Any = None
        for _ in range(160):
            answer = await tab.http.get("/api/v1/statistics/live")
            codes.append(answer.status_code)
        assert codes.count(200) == 150
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
        async with counting.tab() as other:
            await other.sign_in("sofie")
            assert (await other.http.get("/api/v1/statistics/live")).status_code == 200


async def test_a_house_without_statistics_says_so(running: Running) -> None:
    async with running.tab() as tab:
        running.house.users["kari"] = User(
            OperatorId("op-kari"), "kari", "Kari", running.house.users["kari"].password_hash, frozenset({"statistics"})
        )
        await tab.sign_in("kari")
        answer = await tab.http.get("/api/v1/statistics/live")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
