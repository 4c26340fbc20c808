"""Headers that restrict what a browser does with a response: on every one, whatever its status."""

import re
from pathlib import Path

import httpx2
import pytest
from litestar import Litestar, get
from litestar.testing import AsyncTestClient

from api.http.content_security_policy import source_of
from api.http.error_handlers import HANDLERS
from api.http.forwarded import outermost
from api.http.security_headers import SecurityHeaders
from core.database import Pool
from core.settings import ApiSettings
from tests.api.imports.test_imports import UNKNOWN, new_import
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

RESPONSES = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("OPTIONS", "/imports", 204),
    ("GET", "/health/ready", 200),
    ("GET", "/metrics", 200),
    ("GET", "/auth/me", 200),
    ("GET", "/sensor-data?format=csv", 200),
    ("GET", "/sensor-data?format=parquet", 200),
    ("GET", "/sensor-data/aggregated?interval=24h", 200),
    ("GET", "/imports?limit=0", 400),
    ("POST", "/auth/login", 400),
    ("PUT", f"/imports/{UNKNOWN}/content", 403),
    ("GET", "/nowhere", 404),
    ("GET", "/docs/nowhere", 404),
    ("GET", "/docs", 200),
    ("GET", "/docs/openapi.json", 200),
    ("GET", "/docs/assets/swagger_bundle.js", 200),
    ("DELETE", "/imports", 405),
    ("POST", "/sensor-data", 415),
]


def assert_secure(response: httpx2.Response) -> None:
    headers = response.headers
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("x-frame-options") == ["DENY"]
    assert headers.get_list("referrer-policy") == ["same-origin"]
    (caching,) = headers.get_list("cache-control")
    assert set(caching.split(", ")) & {"private", "no-store"}
    (policy,) = headers.get_list("content-security-policy")
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["frame-ancestors"] == "'none'"
    if headers.get("content-type", "").startswith("text/html"):
        for directive in ("default-src", "base-uri", "form-action"):
            assert directives[directive] == "'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
async def test_every_response_has_them(
    client: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert_secure(response)
    assert "strict-transport-security" not in response.headers


async def test_redirects_streams_and_refusals_have_them(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, pool: Pool
) -> None:
    assert_secure(await anonymous.get("/imports"))
    redirect = await anonymous.get("/docs", headers={"Accept": "text/html"})
    assert redirect.status_code == 303
    assert_secure(redirect)
    async with client.stream("GET", f"/imports/{await new_import(pool)}/events") as stream:
        assert_secure(stream)


async def test_an_unmodified_answer_has_them(client: httpx2.AsyncClient) -> None:
    path = "/sensor-data/aggregated?interval=24h"
    tag = (await client.get(path)).headers["etag"]
    response = await client.get(path, headers={"If-None-Match": tag})
    assert response.status_code == 304
    assert_secure(response)


async def test_an_internal_error_and_a_page_without_a_policy_have_them() -> None:
    @get("/", sync_to_thread=False)
    def broken() -> str:
        raise RuntimeError

    @get("/page", media_type="text/html", sync_to_thread=False)
    def page() -> str:
        return "<script>alert(1)</script>"

    app = Litestar(
        [broken, page], exception_handlers=HANDLERS, logging_config=None, openapi_config=None
    )
    app.asgi_handler = SecurityHeaders(app.asgi_handler, 0)
    async with AsyncTestClient(app) as client:
        error, unprotected = await client.get("/"), await client.get("/page")
    assert error.status_code == 500
    assert error.headers["x-content-type-options"] == "nosniff"
    assert error.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "default-src 'none'" in unprotected.headers["content-security-policy"]


async def test_the_page_of_a_failed_sign_in_may_use_its_own_style_only(
    anonymous: httpx2.AsyncClient,
) -> None:
    page = await anonymous.get("/auth/callback?state=x", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert_secure(page)
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    policy = page.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src {source_of(style.encode())}; base-uri")


async def test_the_reference_may_run_its_own_scripts_only(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    policy = page.headers["content-security-policy"]
    (inline,) = re.findall(r"<script type=[^>]*>(.*?)</script>", page.text, re.DOTALL)
    assert f"script-src 'self' {source_of(inline.encode())};" in policy
    assert "http" not in policy


def app_behind(trusted_proxies: int) -> Litestar:
    app = Litestar([], logging_config=None, openapi_config=None)
    app.asgi_handler = SecurityHeaders(app.asgi_handler, trusted_proxies)
    return app


HTTP, HTTPS = "http://sensors.example.org", "https://sensors.example.org"


@pytest.mark.parametrize(
    ("base_url", "trusted_proxies", "forwarded", "is_https"),
    [
        (HTTP, 0, [], False),
        (HTTPS, 0, [], True),
        (HTTP, 0, ["https"], False),
        (HTTP, 1, [], False),
        (HTTP, 1, ["https"], True),
        (HTTP, 1, ["http"], False),
        (HTTP, 1, ["https, http"], False),
        (HTTP, 1, ["https", "http"], False),
        (HTTP, 1, ["http,https"], True),
        (HTTPS, 1, ["http"], False),
        (HTTP, 2, ["https"], True),
        (HTTP, 2, ["https, http"], True),
        (HTTP, 2, ["https, http, http"], False),
        (HTTP, 1, ["https\xff"], False),
        (HTTP, 1, [""], False),
    ],
)
async def test_a_browser_is_instructed_to_stay_with_https_where_it_came_by_it(
    base_url: str, trusted_proxies: int, forwarded: list[str], is_https: bool
) -> None:
    """The scheme that the outermost trusted proxy saw, or this server where there is none."""
    headers = [(b"x-forwarded-proto", value.encode("latin-1")) for value in forwarded]
    async with AsyncTestClient(app_behind(trusted_proxies), base_url=base_url) as client:
        response = await client.get("/nowhere", headers=headers)
    stay = response.headers.get_list("strict-transport-security")
    assert stay == (["max-age=31536000"] if is_https else [])


async def test_the_public_url_makes_no_request_encrypted(
    clean_url: str, stub_provider: StubProvider, tmp_path: Path
) -> None:
    api = ApiSettings(public_url=HTTPS, trusted_proxies=1)
    settings = server_settings(clean_url, stub_provider.issuer, tmp_path, api)
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url) as client:
        for path in ("/", "/imports", "/nowhere"):
            response = await client.get(path)
            assert "strict-transport-security" not in response.headers
            response = await client.get(path, headers={"X-Forwarded-Proto": "https"})
            assert response.headers["strict-transport-security"] == "max-age=31536000"
            assert_secure(response)


@pytest.mark.parametrize(
    ("trusted_proxies", "address"), [(0, "peer"), (1, "c"), (2, "b"), (3, "a"), (9, "a")]
)
def test_what_stands_left_of_the_trusted_entries_is_not_believed(
    trusted_proxies: int, address: str
) -> None:
    headers = [(b"x", b"no"), (b"forwarded-for", b"a, b"), (b"forwarded-for", b"c")]
    assert outermost("peer", headers, b"forwarded-for", trusted_proxies) == address
