"""The configuration's versions behind the API: asked on the loop, worked out in a thread, put in place on the loop."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.actions import Actions, Args
from kak_server.app.configuration.library import Library
from kak_server.app.configuration.refusals import away
from kak_server.app.configuration.running import ConfigRefused, Running
from kak_server.bridges import reconfiguring
from kak_server.bridges.outputs import Note
from kak_server.config.compose import to_house_settings, to_users
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.versions.catalogue import ConflictError
from kak_server.config.versions.rules import event_of_change
from kak_server.console.ports import Caller, Result, User
from kak_server.model.codec import Json
from kak_server.model.ids import OperatorId
from kak_server.model.light import frozen
from kak_server.routing.api import Apply, ConfigChanged
from kak_server.sip.api import SipSettings

T = TypeVar("T")
WAITING_MAX = 32


@frozen
class Prepared:
    """All that a version puts in place, made away from the loop."""

    running: Running
    tables: reconfiguring.Tables
    users: tuple[User, ...]
    people: frozenset[OperatorId]  # who may be signed in
    sip: SipSettings
    event: ConfigChanged | None  # None: only passwords differ


def prepared(before: Running, after: Running, apply: Apply) -> Prepared:
    """Costs the size of the configuration; for a thread."""
    changed = after.number != before.number
    event = event_of_change(before.settings, after.settings, after.number, apply) if changed else None
    tables = reconfiguring.tables_of(to_house_settings(after.settings))
    users = to_users(after.settings)
    people = frozenset(user.operator for user in users)
    return Prepared(after, tables, users, people, to_sip_settings(after.settings), event)


class ConfigDesk:
    """Implements `console.ports.ConfigPort`. `put_in_place` runs on the loop and makes a version the one that runs."""

    def __init__(
        self,
        library: Library,
        put_in_place: Callable[[Prepared], None],
        audit: Callable[[str, str, str, Mapping[str, Json]], None],
        note: Callable[[Note], None],
    ) -> None:
        self._library = library
        self._put_in_place = put_in_place
        self._audit = audit
        self._note = note
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kak-config")
        self._waiting = 0
        self._publishing = asyncio.Lock()
        self._in_place: Prepared | None = None
        self._actions = Actions(library, audit)

    def running(self) -> Mapping[str, Json]:
        """The version that runs."""
        running = self._library.running
        return {"number": running.number, "digest": running.catalogue.digest}

    async def ask(self, caller: Caller, action: str, args: Mapping[str, Json]) -> Result:
        """One action of a configuration administrator."""
        who = str(caller.operator)
        try:
            if self._actions.writes(action):
                return Result(True, await asyncio.shield(self._write(who, action, args)))
            return Result(True, await self._in_thread(lambda: self._actions.ask(who, action, args)))
        except ConfigRefused as refused:
            return Result(False, {"problems": list(refused.problems)}, refused.code, refused.text)
        except ConflictError as conflict:
            return Result(False, code="conflict", message=str(conflict))
        except SQLAlchemyError as problem:
            told = away(problem, self._library.running.number)
            return Result(False, code=told.code, message=told.text)

    def close(self) -> None:
        """Let go of the thread; what it is writing is written."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise ConfigRefused("unavailable", "Too much to do just now; try again.")
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        finally:
            self._waiting -= 1

    async def _write(self, who: str, action: str, args: Args) -> Mapping[str, Json]:
        """One at a time: written in the database, then put in place in one input of the loop, then kept beside."""
        async with self._publishing:
            former = await self._publish(who, action, args)

            def keep() -> None:
                former.clear()  # thousands of objects go with it: not on the loop
                self._library.keep()

            try:
                await self._in_thread(keep)
            except OSError as problem:
                self._note(Note("config_copy_failed", "error", {"text": str(problem)}))
            return self.running()

    async def _publish(self, who: str, action: str, args: Args) -> list[object]:
        """What ran before and is no more needed."""
        apply: Apply = args.get("apply", "new")
        library = self._library
        before = library.running

        def work() -> Prepared:
            return prepared(before, self._actions.write(who, action, args), apply)

        made = await self._in_thread(work)
        self._put_in_place(made)
        library.running = made.running
        self._told(who, action, args, before, made)
        former: list[object] = [before, self._in_place]
        self._in_place = made
        return former

    def _told(self, who: str, action: str, args: Args, before: Running, made: Prepared) -> None:
        if action == "password":
            self._audit(who, "config.password", str(args["username"]), {})
            return
        detail: dict[str, Json] = {"before": before.number, "apply": args.get("apply", "new")}
        if action == "roll-back":
            detail["back_to"] = args["number"]
        self._audit(who, f"config.{action}", str(made.running.number), detail)
