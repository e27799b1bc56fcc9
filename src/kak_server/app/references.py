"""Fetches locations and additional data by reference, once their call is in its queue: bounded in time, size and
number, straight to an address that was judged, without redirects, proxies, cookies or compression."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import field

import httpx

from kak_server import __version__
from kak_server.bridges.fetched import LOCATION, Fetched
from kak_server.bridges.outputs import Note
from kak_server.config.settings import Settings
from kak_server.model.ids import CallId
from kak_server.model.light import frozen
from kak_server.sip import references as rules
from kak_server.sip.api import DataReference
from kak_server.sip.references import Place, ReferenceRules

ATTEMPTS = 2
RETRY_AFTER_S = 0.5
MAX_AT_ONCE = 32
ADDRESSES_MAX = 4  # of one host
MAX_WAITING = 1_000  # beyond it a reference is not fetched, and the operator is told so


@frozen
class ReferenceSettings:
    """How references are fetched."""

    enabled: bool = True
    timeout_s: float = 3.0  # of one attempt, from the name to the last byte
    max_bytes: int = 32_768
    ca: str = ""  # PEM file of authorities; "": those the system trusts
    rules: ReferenceRules = field(default_factory=ReferenceRules)


def reference_settings(settings: Settings) -> ReferenceSettings:
    """Of a configuration."""
    told = settings.sip.references
    return ReferenceSettings(
        told.enabled,
        told.timeout_ms / 1000,
        settings.sip.limits.xml_bytes,
        str(told.ca or ""),
        ReferenceRules(told.plain_http, told.networks),
    )


class References:
    """Asked for a call's references; `told` hears of each, once, whether it could be had or not."""

    def __init__(
        self, settings: ReferenceSettings, told: Callable[[CallId, Fetched], None], note: Callable[[Note], None]
    ) -> None:
        self._settings = settings
        self._told = told
        self._note = note
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(MAX_AT_ONCE)
        self._client: httpx.AsyncClient | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def fetch(self, call: CallId, wanted: tuple[DataReference, ...]) -> None:
        """Begin; returns at once."""
        for reference in wanted:
            if not self._settings.enabled or len(self._tasks) >= MAX_WAITING:
                reason = "too many at once" if self._settings.enabled else "references are not fetched here"
                self._tell(call, reference, reason)
                continue
            task = asyncio.get_running_loop().create_task(self._fetch(call, reference))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what is on its way; the next process begins anew with what the journal still waits for."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self, call: CallId, reference: DataReference) -> None:
        reason = ""
        async with self._turn:
            for attempt in range(ATTEMPTS):
                if attempt:
                    await asyncio.sleep(RETRY_AFTER_S)
                try:
                    async with asyncio.timeout(self._settings.timeout_s):
                        document = await self._get(reference.uri, attempt)
                except TimeoutError:
                    reason = f"no answer within {self._settings.timeout_s:g} s"
                except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
                    reason = str(problem)[:120] or type(problem).__name__
                except ValueError as problem:  # a reference that is not fetched, or an answer that will not change
                    reason = str(problem)[:120]
                    break
                else:
                    self._tell(call, reference, "", document)
                    return
        self._tell(call, reference, reason)

    def _tell(self, call: CallId, reference: DataReference, reason: str, document: bytes = b"") -> None:
        most = self._settings.max_bytes
        if reference.kind == LOCATION:
            found = rules.no_location(reason) if reason else rules.locations_in(document, most)
            fetched = Fetched(reference, locations=found)
        else:
            lines = rules.no_details(reference, reason) if reason else rules.details_in(reference, document, most)
            fetched = Fetched(reference, details=lines)
        # The address itself may be a key to personal data: it stays out of the log
        fields = {"call": call, "kind": reference.kind, "reason": reason}
        self._note(Note("reference_failed", "warning", fields) if reason else Note("reference_fetched", fields=fields))
        self._told(call, fetched)

    async def _get(self, uri: str, attempt: int) -> bytes:
        """The document, from the first of the host's addresses that can be connected to; a second attempt begins with
        the next, for the first may be silent. Raises ValueError where a second attempt would be no better, else what
        the network says."""
        place = self._settings.rules.place(uri)
        addresses = await self._addresses(place)
        first = attempt % len(addresses)
        problems: dict[str, None] = {}
        for address in addresses[first:] + addresses[:first]:
            try:
                return await self._ask(place, address)
            except httpx.ConnectError as problem:
                problems[str(problem)] = None
        raise httpx.ConnectError("; ".join(problems))

    async def _ask(self, place: Place, address: str) -> bytes:
        client = self._client or self._make_client()
        host = f"[{address}]" if ":" in address else address
        url = f"{'https' if place.secure else 'http'}://{host}:{place.port}{place.target}"
        async with client.stream(
            "GET", url, headers={"Host": _authority(place)}, extensions={"sni_hostname": place.host}
        ) as answer:
            if answer.status_code >= 500:
                raise httpx.HTTPError(f"answered {answer.status_code}")
            if answer.status_code != 200:
                raise ValueError(f"answered {answer.status_code}")
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise ValueError("a compressed answer")
            document = bytearray()
            async for chunk in answer.aiter_raw(4_096):
                document += chunk
                if len(document) > self._settings.max_bytes:
                    raise ValueError(f"more than {self._settings.max_bytes} bytes")
            return bytes(document)

    async def _addresses(self, place: Place) -> list[str]:
        """Some of the host's addresses, if all of them may be asked: a name with one foot in our networks is a
        trick."""
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses:
            raise OSError("the host has no address")
        for address in addresses:
            if not self._settings.rules.may_ask(address):
                raise ValueError("leads to an address that is not public")
        return addresses[:ADDRESSES_MAX]

    def _make_client(self) -> httpx.AsyncClient:
        context = ssl.create_default_context(cafile=self._settings.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The default from Python 3.13 on; certificates of private authorities often lack what RFC 5280 wants besides.
        # Whether we learn where a caller is does not hang on the Python that runs us.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._client = httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=self._settings.timeout_s,
            limits=httpx.Limits(max_connections=MAX_AT_ONCE, max_keepalive_connections=8, keepalive_expiry=10),
            headers={
                "User-Agent": f"kak-server/{__version__}",
                "Accept": rules.ACCEPT,
                "Accept-Encoding": "identity",
            },
        )
        return self._client


def _authority(place: Place) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return host if place.port == (443 if place.secure else 80) else f"{host}:{place.port}"
