"""Service levels, waits and work by half hour: live, and as rows that a data warehouse pulls."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from kak_server.console.aio.deps import ShellDep, Statistician
from kak_server.console.aio.errors import ApiError
from kak_server.console.aio.shell import Shell
from kak_server.console.models import Outgoing
from kak_server.console.ports import User
from kak_server.console.statistics import (
    ROWS_MAX,
    By,
    Question,
    QuestionError,
    StatisticsBackend,
    rooms_allowed,
    span,
)

router = APIRouter(prefix="/api/v1/statistics", tags=["statistics"])

CSV_TEXT = "text/csv; charset=utf-8; header=present"
CURSOR_HEADER = "Kak-Cursor"
MORE_HEADER = "Kak-More"
Figure = int | float | str | bool | None


class LiveRow(Outgoing):
    """A queue, room or operator now. `half_hour` and `today` hold the columns of docs/integrators/statistics.md that
    are not zero; the fields between belong to queues, `state` and `since_ms` to operators."""

    key: str
    room: str
    waiting: int | None = None
    longest_since_ms: int | None = None
    threshold_ms: int | None = None
    goal_percent: int | None = None
    state: str | None = None
    since_ms: int | None = None
    half_hour: dict[str, Figure]
    today: dict[str, Figure]


class LiveStatistics(Outgoing):
    """The figures of this moment, at most a second old; ask no more often. `complete`: false if the present half hour
    has not been counted from its beginning."""

    by: By
    now_ms: int
    half_hour_ms: int
    day_start_ms: int
    complete: bool
    rows: list[LiveRow]


class Intervals(Outgoing):
    """Half hours that are over, in the order of issue. Ask with `after=cursor` for the next ones; `more`: there are
    some already."""

    rows: list[dict[str, Figure]]
    cursor: int
    more: bool


Time = Annotated[str | None, Query(max_length=40, description="RFC 3339 with offset, e.g. 2026-11-27T08:30:00Z")]
Cursor = Annotated[int | None, Query(ge=0, le=2**62, description="`cursor` of the last row or answer that was seen")]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="rows in one answer")]


def _house(shell: Shell) -> StatisticsBackend:
    if shell.statistics is None:
        raise ApiError("unavailable", "No statistics are kept here.")
    return shell.statistics


def _question(user: User, by: By, times: tuple[str | None, str | None], after: int | None, limit: int) -> Question:
    rooms = _rooms(user, by)
    try:
        from_ms, to_ms = span(*times, after)
    except QuestionError as problem:
        raise ApiError("bad-request", str(problem)) from None
    return Question(by, from_ms, to_ms, after or 0, rooms, limit)


def _rooms(user: User, by: By) -> frozenset[str] | None:
    try:
        return rooms_allowed(user, by)
    except QuestionError as problem:
        raise ApiError("forbidden", str(problem)) from None


@router.get("/live")
async def live(user: Statistician, shell: ShellDep, by: By = "queue") -> LiveStatistics:
    """Now: the present half hour and today so far, for queues with who waits, for operators with what they do."""
    return LiveStatistics.model_validate(await _house(shell).live(by, _rooms(user, by)))


@router.get("/intervals")
async def intervals(
    user: Statistician,
    shell: ShellDep,
    by: By = "queue",
    from_: Annotated[Time, Query(alias="from")] = None,
    to: Time = None,
    after: Cursor = None,
    limit: Limit = 1_000,
) -> Intervals:
    """Half hours that are over. A row that changes later (a caller who waited across the border) is issued again with
    the next `revision` and a new `cursor`."""
    answer = await _house(shell).intervals(_question(user, by, (from_, to), after, limit))
    rows: list[Mapping[str, Figure]] = list(answer.rows)
    return Intervals.model_validate({"rows": rows, "cursor": answer.cursor, "more": answer.more})


@router.get(
    "/intervals.csv",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "RFC 4180 with a header"}},
)
async def intervals_csv(
    user: Statistician,
    shell: ShellDep,
    by: By = "queue",
    from_: Annotated[Time, Query(alias="from")] = None,
    to: Time = None,
    after: Cursor = None,
    limit: Limit = 1_000,
) -> Response:
    """The same as CSV. The headers `Kak-Cursor` and `Kak-More` say what `cursor` and `more` say."""
    text, answer = await _house(shell).csv(_question(user, by, (from_, to), after, limit))
    headers = {CURSOR_HEADER: str(answer.cursor), MORE_HEADER: "1" if answer.more else "0"}
    return Response(text, headers=headers, media_type=CSV_TEXT)
