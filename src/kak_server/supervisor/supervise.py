"""Starts processes in order, starts again what dies, stops them in another order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence

from kak_server.model.errors import StartupError
from kak_server.model.light import frozen
from kak_server.supervisor.child import Child, Spec, end_leftover, tail
from kak_server.supervisor.policy import RestartPolicy
from kak_server.supervisor.probe import until

READY_TIMEOUT_S = 60.0


@frozen
class Managed:
    """A process and how to ask whether it is ready."""

    spec: Spec
    ready: Callable[[], Awaitable[bool]]


class Supervisor:
    """One run: `run` until `stop` is called (twice: at once). `say` gets a line for a person."""

    def __init__(self, processes: Sequence[Managed], stop_order: Sequence[str], say: Callable[[str], None]) -> None:
        self._processes = tuple(processes)
        self._stop_order = tuple(stop_order)
        self._say = say
        self._children: dict[str, Child] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; the second time, kill what still drains."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def pid(self, name: str) -> int:
        """The process id of a running process."""
        return self._children[name].pid

    async def end_leftovers(self) -> None:
        """End what an earlier supervisor that was killed left running."""
        for managed in reversed(self._processes):
            if await end_leftover(managed.spec):
                self._say(f"ended a {managed.spec.name} process that an earlier run had left behind")

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start everything, call `on_ready`, wait for `stop`, stop everything.

        Raises StartupError when a process ends, or is not ready in time, at the first start; what had been started is
        stopped then.
        """
        try:
            for managed in self._processes:
                if self._stopping.is_set():
                    return
                await self._start(managed)
            if not self._stopping.is_set():
                on_ready()
                await self._stopping.wait()
        finally:
            await self._stop_all()

    async def _start(self, managed: Managed) -> None:
        spec = managed.spec
        try:
            child = self._children[spec.name] = await Child.start(spec)
        except OSError as error:
            raise StartupError(f"{spec.name} could not be started: {error}") from None
        ended = asyncio.ensure_future(child.wait())
        ready = asyncio.ensure_future(until(managed.ready, timeout_s=READY_TIMEOUT_S))
        told = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, ready, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if ended.done():
            ready.cancel()
            del self._children[spec.name]
            raise StartupError(f"{spec.name} stopped ({ending(ended.result())}), see {spec.log}:{_last_words(spec)}")
        if not ready.done():
            ready.cancel()
        elif not ready.result():
            raise StartupError(
                f"{spec.name} was not ready in {READY_TIMEOUT_S:g} s, see {spec.log}:{_last_words(spec)}"
            )
        self._watchers.append(asyncio.create_task(self._watch(spec, ended)))

    async def _watch(self, spec: Spec, ended: "asyncio.Future[int]") -> None:
        """Start the process again whenever it ends."""
        loop = asyncio.get_running_loop()
        policy = RestartPolicy()
        started_s = loop.time()
        while True:
            code = await ended
            delay_ms = policy.delay_ms(int((loop.time() - started_s) * 1000))
            soon = f"in {delay_ms / 1000:g} s" if delay_ms else "now"
            self._say(f"{spec.name} stopped ({ending(code)}); starting it again {soon}")
            await asyncio.sleep(delay_ms / 1000)
            started_s = loop.time()
            try:
                child = self._children[spec.name] = await Child.start(spec)
            except OSError as error:
                self._say(f"{spec.name} could not be started: {error}")
                ended = loop.create_future()
                ended.set_result(1)
            else:
                ended = asyncio.ensure_future(child.wait())

    async def _stop_all(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for name in self._stop_order:
            if name in self._children:
                self._say(f"stopping {name}")
                await self._stop_one(self._children[name])

    async def _stop_one(self, child: Child) -> None:
        stopped = asyncio.ensure_future(child.stop())
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({stopped, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not stopped.done():
            child.signal(signal.SIGKILL)
        code = await stopped
        if code not in (0, -signal.SIGTERM):
            self._say(f"{child.spec.name} ended with {ending(code)}, see {child.spec.log}")


def _last_words(spec: Spec) -> str:
    return "".join(f"\n  | {line}" for line in tail(spec.log))


def ending(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
