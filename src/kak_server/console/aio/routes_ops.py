"""For those who run the server: health, readiness, metrics. No session, no patient data."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from kak_server.console.aio.deps import ShellDep
from kak_server.console.requests import Done, Readiness

router = APIRouter(tags=["operations"])

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
async def healthz() -> Done:
    """The process lives and its loop turns."""
    return Done()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "calls are not taken, with reasons"}})
async def readyz(response: Response, shell: ShellDep) -> Readiness:
    """Whether calls are taken: worker attached, SIP listening. `reasons` also has what is wrong and keeps from
    nothing, as a journal that cannot be written."""
    ready, reasons = shell.backend.ready()
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, reasons=list(reasons))


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(shell: ShellDep) -> Response:
    """Prometheus text."""
    return Response(shell.backend.metrics_text(), media_type=PROMETHEUS_TEXT)
