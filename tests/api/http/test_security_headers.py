"""Headers that restrict what a browser does with a response: on every one, whatever its status."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from litestar import Litestar, get
from litestar.testing import AsyncTestClient

from api.http.error_handlers import HANDLERS
from api.http.security_headers import SecurityHeaders
from core.database import Pool
from core.settings import ApiSettings
from tests.api.imports.test_imports import UNKNOWN, new_import
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

HTTPS = ApiSettings(public_url="https://sensors.example.org")

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
    assert headers.get_list("referrer-policy") == ["same-origin"]
    (policy,) = headers.get_list("content-security-policy")
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["frame-ancestors"] == "'none'"
    if headers.get("content-type", "").startswith("text/html"):
        assert directives["default-src"] == directives["base-uri"] == "'none'"
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in directives.get("script-src", "")


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
    app.asgi_handler = SecurityHeaders(app.asgi_handler, is_https=False)
    async with AsyncTestClient(app) as client:
        error, unprotected = await client.get("/"), await client.get("/page")
    assert error.status_code == 500
    assert error.headers["x-content-type-options"] == "nosniff"
    assert error.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "default-src 'none'" in unprotected.headers["content-security-policy"]


async def test_the_page_of_a_failed_sign_in_has_a_policy_of_its_own(
    anonymous: httpx2.AsyncClient,
) -> None:
    page = await anonymous.get("/auth/callback?state=x", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert_secure(page)
    assert "script-src" not in page.headers["content-security-policy"]


async def test_the_reference_may_run_its_own_scripts_only(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    policy = page.headers["content-security-policy"]
    (inline,) = re.findall(r"<script type=[^>]*>(.*?)</script>", page.text, re.DOTALL)
    digest = b64encode(sha256(inline.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "http" not in policy


async def test_browsers_are_told_to_stay_with_https_where_they_come_by_it(
    clean_url: str, stub_provider: StubProvider, tmp_path: Path
) -> None:
    settings = server_settings(clean_url, stub_provider.issuer, tmp_path, HTTPS)
    async with serving(settings) as url, httpx2.AsyncClient(base_url=url) as client:
        for path in ("/", "/imports", "/nowhere"):
            response = await client.get(path)
            assert response.headers["strict-transport-security"] == "max-age=31536000"
            assert_secure(response)
