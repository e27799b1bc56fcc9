"""The FastAPI app: `build_app(backend, settings)`, and the OpenAPI document of it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from kak_server.console.aio import (
    errors,
    events_ws,
    routes_calls,
    routes_citizen,
    routes_commands,
    routes_config,
    routes_contacts,
    routes_explanation,
    routes_lab,
    routes_ops,
    routes_position,
    routes_rooms,
    routes_session,
    routes_statistics,
    static,
)
from kak_server.console.aio.middleware import bounded_body, security_headers
from kak_server.console.aio.shell import Shell, wall_clock_ms
from kak_server.console.messages import stream_schemas
from kak_server.console.ports import ConfigPort, ConsoleBackend
from kak_server.console.ports_contacts import ContactsPort
from kak_server.console.settings import ConsoleSettings
from kak_server.console.statistics import StatisticsBackend

API_VERSION = "1"
REF = "#/components/schemas/{model}"


class PositionApi(FastAPI):
    """FastAPI with the event stream's messages in the OpenAPI document, which knows only of requests by itself."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name, schema in stream_schemas(REF).items():
                schemas.setdefault(name, schema)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            document["components"]["schemas"] = dict(sorted(schemas.items()))
            self.openapi_schema = document
        return self.openapi_schema


def build_app(
    backend: ConsoleBackend,
    settings: ConsoleSettings,
    now_ms: Callable[[], int] = wall_clock_ms,
    statistics: StatisticsBackend | None = None,
    config: ConfigPort | None = None,
    contacts: ContactsPort | None = None,
) -> FastAPI:
    """The position API and the console's pages over a house, and its configuration where there is one. Sessions are
    restored when the app starts."""
    shell = Shell.build(backend, settings, now_ms)
    shell.statistics = statistics
    shell.config = config
    shell.contacts = contacts

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shell.start()
        yield
        await shell.stop()

    app = PositionApi(
        title="kak-server position API",
        version=API_VERSION,
        description="Sign in, sit down, take calls. See docs/integrators/position-api.md.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would load scripts from the internet
        redoc_url=None,
        lifespan=lifespan,
        responses=errors.RESPONSES,
        redirect_slashes=False,
    )
    app.state.shell = shell
    errors.install(app)
    for module in (
        routes_session,
        routes_position,
        routes_rooms,
        routes_commands,
        routes_citizen,
        routes_calls,
        routes_explanation,
        routes_statistics,
        routes_contacts,
        routes_config,
        routes_lab,
        routes_ops,
        events_ws,
        static,  # last: it takes every path that is left
    ):
        app.include_router(module.router)
    app.add_middleware(cast("Any", _Outside), max_bytes=settings.body_max_bytes, timeout_s=settings.body_timeout_s)
    return app


class _Outside:
    """Body bounds inside the security headers, as one Starlette middleware. What layers further in put around a
    WebSocket's `send` is for its handshake; the server's own goes along for what comes after."""

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float) -> None:
        self._app = security_headers(bounded_body(app, max_bytes, timeout_s))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scope[events_ws.SERVERS_SEND] = send
        await self._app(scope, receive, send)


def openapi_json() -> str:
    """The OpenAPI document as it is checked in at docs/integrators/openapi.json."""
    app = build_app(cast("ConsoleBackend", None), ConsoleSettings())
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
