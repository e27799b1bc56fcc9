"""Refusals: one shape for all, a fitting HTTP status, and nothing of the request or of our insides in the text."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kak_server.console.ports import Result
from kak_server.console.requests import ErrorBody

log = structlog.get_logger(__name__)

STATUS: Mapping[str, int] = {
    "bad-request": 422,
    "bad-json": 400,
    "bad-credentials": 401,
    "not-signed-in": 401,
    "csrf": 403,
    "foreign-origin": 403,
    "forbidden": 403,
    "not-allowed": 403,
    "not-lead": 403,
    "not-found": 404,
    "unknown-position": 404,
    "unknown-queue": 404,
    "unknown-skill": 422,
    "timeout": 408,
    "gone": 410,
    "expired": 410,
    "too-large": 413,
    "too-many-attempts": 429,
    "too-many-requests": 429,
    "internal": 500,
    "invalid": 422,
    "lab-unreachable": 502,
    "unavailable": 503,
    "media-unavailable": 503,
}
REFUSED = 409  # every other code: the request was fine, the state of things was not
MESSAGE_CHARS_MAX = 300


class ApiError(Exception):
    """A refusal on its way to the client."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.headers = headers

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS.get(self.code, REFUSED)


def refused(result: Result, fallback: str = "refused") -> ApiError:
    """The house's refusal as an error."""
    return ApiError(result.code or fallback, result.message or "The request was refused.")


def error_response(code: str, message: str, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The error body of docs/integrators/position-api.md."""
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def describe_validation(errors: Any) -> str:
    """What did not fit and where, without the value: it may be a password or a patient's number."""
    first = errors[0]
    where = ".".join(str(part) for part in first.get("loc", ()) if part != "body") or "body"
    return f"{where}: {first.get('msg', 'does not fit')}"[:MESSAGE_CHARS_MAX]


async def _on_api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return error_response(error.code, error.message, error.status, error.headers)


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if errors and errors[0].get("type") == "json_invalid":
        return error_response("bad-request", "The body is not JSON.", STATUS["bad-json"])
    return error_response("bad-request", describe_validation(errors), STATUS["bad-request"])


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not-found", 405: "method-not-allowed", 400: "bad-request"}
    code = codes.get(error.status_code, "refused")
    return error_response(code, f"{error.detail}"[:MESSAGE_CHARS_MAX], error.status_code, error.headers)


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises the error again after the response, so the traceback reaches the server's log as well.
    # The route's pattern, not the path: a path may hold a citizen's link.
    route = getattr(request.scope.get("route"), "path", "")
    log.error("request failed", method=request.method, route=route, kind=type(error).__name__)
    return error_response("internal", "Something went wrong here. It has been logged.", STATUS["internal"])


def install(app: FastAPI) -> None:
    """Answer every kind of failure in our shape."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_fault)


# For the OpenAPI document: what every route may answer instead of its own result.
RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"model": ErrorBody, "description": "bad-request: the body or a parameter does not fit"},
    "4XX": {"model": ErrorBody, "description": "refused; see the error's code"},
    "5XX": {"model": ErrorBody, "description": "a failure of ours, or of something behind us"},
}
