"""How the built files are served: to whom, in which coding, for how long."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from api.dashboard.files import FOLDER, built_files
from api.http.content_codings import accepted_codings
from tests.api.serving import server_settings, serving
from tests.auth.servers import ApiServer

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest_asyncio.fixture
async def http(dashboard: ApiServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=dashboard.url, timeout=20) as client:
        yield client


async def script_of(http: httpx2.AsyncClient) -> str:
    (script,) = re.findall(r'<script[^>]* src="([^"]+)"', (await http.get("/ui")).text)
    return str(script)


async def test_the_root_answers_ok_to_programs_and_leads_browsers_to_the_dashboard(
    http: httpx2.AsyncClient,
) -> None:
    for accept in ("*/*", "application/json", "text/plain"):
        answer = await http.get("/", headers={"Accept": accept})
        assert (answer.status_code, answer.text) == (200, "ok")
        assert answer.headers["vary"] == "Accept"
    led = await http.get("/", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, "/ui")
    assert led.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/equipment/pump-1", "/ui/a/b%2Fc"])
async def test_links_into_the_dashboard_serve_the_page_which_is_revalidated(
    http: httpx2.AsyncClient, path: str
) -> None:
    page = await http.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "private, no-cache"
    assert page.content == (FOLDER / "index.html").read_bytes()
    again = await http.get(path, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == page.headers["etag"]


async def test_the_page_may_load_from_this_server_only_and_runs_nothing_inline(
    http: httpx2.AsyncClient,
) -> None:
    page = await http.get("/ui")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=|//", page.text)


async def test_assets_are_kept_for_good_since_their_names_have_a_hash(
    http: httpx2.AsyncClient,
) -> None:
    page = (await http.get("/ui")).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) >= 3
    for path in assets:
        assert re.fullmatch(r"/ui/assets/[\w-]+-[\w-]{8}\.(js|css|svg)", path)
        answer = await http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("BR", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("gzip", "gzip"),
        ("br; q=0.000, gzip; q=0", None),
        ("identity", None),
        ("", None),
        ("broken,,;;=", None),
    ],
)
async def test_files_come_in_the_smallest_coding_that_is_accepted(
    http: httpx2.AsyncClient, accepted: str, coding: str | None
) -> None:
    path = await script_of(http)
    async with http.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = (FOLDER / path.removeprefix("/ui/")).read_bytes()
    assert int(answer.headers["content-length"]) == len(body)
    if coding == "gzip":
        assert gzip.decompress(body) == plain
    elif coding is None:
        assert body == plain
    else:
        assert len(body) < len(plain) / 2


async def test_each_coding_has_a_tag_of_its_own(http: httpx2.AsyncClient) -> None:
    tags = {
        (await http.get("/ui", headers={"Accept-Encoding": coding})).headers["etag"]
        for coding in ("br", "gzip", "identity")
    }
    assert len(tags) == 3
    assert not any(tag.startswith("W/") for tag in tags)


async def test_head_is_answered_without_the_body(http: httpx2.AsyncClient) -> None:
    path = await script_of(http)
    head, get = await http.head(path), await http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/assets/none.js",
        "/ui/assets/..%2Findex.html",
        "/ui/assets/%2e%2e%2f%2e%2e%2ffiles.py",
        "/ui/assets/..%5C..%5Cfiles.py",
        "/ui/assets/",
        "/ui/assets/a/b",
        "/ui/assets/%00",
    ],
)
async def test_nothing_but_the_built_files_is_an_asset(http: httpx2.AsyncClient, path: str) -> None:
    url = http.base_url.copy_with(raw_path=path.encode())
    answer = await http.send(http.build_request("GET", url))
    assert answer.status_code == 404 or answer.content == (FOLDER / "index.html").read_bytes()
    assert b"import" not in answer.content


async def test_writes_are_refused(http: httpx2.AsyncClient) -> None:
    for path in ("/ui", await script_of(http)):
        assert (await http.post(path, content=b"x")).status_code == 405


async def test_a_server_without_the_built_files_works_and_says_how_to_build_them(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.built_files", lambda: built_files(tmp_path / "none"))
    settings = server_settings(migrated_url, "http://127.0.0.1:1", tmp_path)
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url) as http:
        assert (await http.get("/")).text == "ok"
        page = await http.get("/", headers=BROWSER, follow_redirects=True)
        assert page.status_code == 503
        assert "make web" in page.text
        assert "default-src 'none'; style-src 'sha256-" in page.headers["content-security-policy"]
        assert (await http.get("/ui/assets/index.js")).status_code == 404


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("gzip, br", {"gzip", "br"}),
        ("gzip;q=0.5", {"gzip"}),
        ("gzip; Q=0", set()),
        ("br;q=0.0, gzip", {"gzip"}),
        ("*", {"*"}),
    ],
)
def test_the_codings_of_a_header(header: str, codings: set[str]) -> None:
    assert accepted_codings(header) == codings
