"""The console's pages: built files with the right caching, its own routes, and a hint when it is not built."""

from pathlib import Path

import pytest

from tests.integration.console.conftest import Running

HTML = {"Accept": "text/html"}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>console</title>")
    (built / "assets" / "main-abc123.js").write_text("export {}")
    (built / "favicon.svg").write_text("<svg/>")
    return built


async def test_built_files_are_served_hashed_ones_for_ever(running: Running, dist: Path) -> None:
    async with running.tab() as tab:
        page = await tab.http.get("/")
        assert page.text == "<title>console</title>"
        assert page.headers["cache-control"] == "no-store"
        script = await tab.http.get("/assets/main-abc123.js")
        assert "immutable" in script.headers["cache-control"]
        assert "javascript" in script.headers["content-type"]
        assert (await tab.http.get("/favicon.svg")).headers["content-type"].startswith("image/svg")
        assert (await tab.http.get("/assets/gone.js")).status_code == 404


async def test_the_pages_own_routes_get_the_page(running: Running, dist: Path) -> None:
    async with running.tab() as tab:
        assert (await tab.http.get("/recent", headers=HTML)).text == "<title>console</title>"
        assert (await tab.http.get("/recent", headers={"Accept": "application/json"})).status_code == 404
        assert (await tab.http.get("/v/some-token")).text == "<title>console</title>"
        (dist / "citizen.html").write_text("<title>video</title>")
        assert (await tab.http.get("/v/some-token")).text == "<title>video</title>"


async def test_an_unbuilt_console_says_how_to_build_it(running: Running) -> None:
    async with running.tab() as tab:
        page = await tab.http.get("/", headers=HTML)
        assert page.status_code == 200
        assert "make lab" in page.text
