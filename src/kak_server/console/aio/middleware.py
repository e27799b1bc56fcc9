"""What every HTTP request passes first: the body's bounds, and every answer last: the security headers."""

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kak_server.console.aio.errors import STATUS, error_response

# Everything from here, nothing inline but styles (React writes style attributes), nobody may frame us. Microphone and
# camera are ours alone. No referrer: a citizen's link must not leave with one.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"microphone=(self), camera=(self), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class BodyTooLargeError(Exception):
    """The body is longer than allowed."""


def security_headers(app: ASGIApp) -> ASGIApp:
    """Add the headers to every HTTP response; answers of the API are not to be cached."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        is_api = scope["path"].startswith("/api/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                present = {name.lower() for name, _ in headers}
                headers += [pair for pair in SECURITY_HEADERS if pair[0] not in present]
                if is_api and b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, send_with_headers)

    return outer


def bounded_body(app: ASGIApp, max_bytes: int, timeout_s: float) -> ASGIApp:
    """Read the whole body first: at most `max_bytes`, within `timeout_s`; else 413 or 408 and the connection ends."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(timeout_s):
                body = await _read_body(scope, receive, max_bytes)
        except BodyTooLargeError:
            response = error_response(
                "too-large", "The body is too long.", STATUS["too-large"], {"Connection": "close"}
            )
            await response(scope, receive, send)
            return
        except TimeoutError:
            await _refuse("timeout", "The body took too long.")(scope, receive, send)
            return
        if body is None:
            return  # the client went away
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await app(scope, replay, send)

    return outer


def _refuse(code: str, message: str) -> Response:
    return error_response(code, message, STATUS[code], {"Connection": "close"})


async def _read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or len(value) > 18 or int(value) > max_bytes):
            raise BodyTooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return bytes(body)
