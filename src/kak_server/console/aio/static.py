"""The console's pages: the built files of web/dist, the app's page for its routes, a friendly page when unbuilt."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from kak_server.console.aio.deps import ShellDep
from kak_server.console.aio.errors import ApiError

router = APIRouter(include_in_schema=False)

UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>kak-server</title>
<body style="font:16px/1.5 sans-serif;background:#10161d;color:#e8eef4;max-width:40rem;margin:4rem auto;padding:0 1rem">
<h1>The server runs; the console is not built</h1>
<p>Build it with <code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code>, or start everything with
<code>make lab</code>, which does that by itself.</p>
<p>Konsollen er ikke bygget ennå. <code>make lab</code> bygger den.</p>
<p>The position API is at <code>/api/v1</code>, its description at
<a style="color:#8cf" href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p></body></html>"""

NO_STORE = {"Cache-Control": "no-store"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # Vite puts a hash of the content in the name


def find_file(dist: Path, path: str) -> Path | None:
    """The file below `dist` for a URL path; never one outside it, never a hidden one."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    found = dist.joinpath(*parts)
    # A symbolic link may lead out of the folder, so the answer is checked after resolving it.
    return found if found.is_file() and found.resolve().is_relative_to(dist.resolve()) else None


def _page(dist: Path, name: str) -> Response:
    page = find_file(dist, name) or find_file(dist, "index.html")
    return HTMLResponse(UNBUILT, headers=NO_STORE) if page is None else FileResponse(page, headers=NO_STORE)


@router.get("/v/{token}")
async def citizen_page(token: str, shell: ShellDep) -> Response:
    """The citizen's video page; which link it is, the page itself reads from its address."""
    return _page(Path(shell.settings.web_dist), "citizen.html")


@router.get("/{path:path}")
async def page_or_file(path: str, request: Request, shell: ShellDep) -> Response:
    """A built file, or the console's page for its own routes."""
    dist = Path(shell.settings.web_dist)
    if path.split("/", 1)[0] == "api":
        raise ApiError("not-found", "Not Found")
    found = find_file(dist, path) if shell.settings.web_dist else None
    if found is not None and found.suffix != ".html":
        return FileResponse(found, headers=FOR_EVER if path.startswith("assets/") else NO_STORE)
    if path in ("", "index.html"):
        return _page(dist, "index.html")
    if found is not None:
        return FileResponse(found, headers=NO_STORE)
    last = path.rsplit("/", 1)[-1]
    if "." in last or "text/html" not in request.headers.get("accept", ""):
        raise ApiError("not-found", "Not Found")
    return _page(dist, "index.html")
