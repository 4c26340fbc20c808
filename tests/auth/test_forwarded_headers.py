"""What Host, Forwarded and X-Forwarded-* decide: where a browser is sent, nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.database import Pool
from tests.api.serving import UPLOAD_SECRET
from tests.auth.servers import ApiServer, running_server
from tests.auth.user_agent import bearer_header
from tests.support.hostile_provider import HostileProvider, callback_path
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE

EVIL = "evil.example"

FORGED = [
    {"Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Port": "1", "X-Forwarded-Proto": "https"},
    {"X-Forwarded-Server": EVIL, "X-Forwarded-Prefix": f"//{EVIL}", "X-Script-Name": f"//{EVIL}"},
    {"Forwarded": f"for=192.0.2.1;host={EVIL};proto=https"},
    {"X-Original-URL": f"//{EVIL}/", "X-Rewrite-URL": f"//{EVIL}/"},
]

TARGETS = [
    "/",
    f"/a:b@{EVIL}",
    f"/@{EVIL}",
    f"/.//{EVIL}",
    f"/..//{EVIL}",
    f"/;//{EVIL}",
    f"/docs?next=//{EVIL}",
    f"/docs#//{EVIL}",
    f"/?https://{EVIL}",
]


@pytest_asyncio.fixture(params=[0, 2], ids=["no_proxy", "two_proxies"])
async def server(
    request: pytest.FixtureRequest,
    migrated_url: str,
    provider: HostileProvider,
    auth_pool: Pool,
    tmp_path: Path,
) -> AsyncIterator[ApiServer]:
    """A server behind so many trusted proxies."""
    del auth_pool  # for a clean database
    port = free_port()
    api = {
        "public_url": f"http://127.0.0.1:{port}",
        "trusted_proxies": request.param,
        "upload_secret": SecretStr(UPLOAD_SECRET),
    }
    auth = {"audience": AUDIENCE}
    async with running_server(
        migrated_url, provider.issuer, port, tmp_path, api=api, auth=auth
    ) as server:
        yield server


@pytest.mark.parametrize("forged", FORGED, ids=str)
async def test_no_address_that_is_given_out_follows_them(
    server: ApiServer, provider: HostileProvider, forged: dict[str, str]
) -> None:
    async with httpx2.AsyncClient(base_url=server.url, headers=forged) as http:
        begun = await http.get("/auth/login")
        cookies = [begun.headers["set-cookie"]]
        query = parse_qs(urlsplit(begun.headers["location"]).query)
        assert query["redirect_uri"] == [f"{server.url}/auth/callback"]
        done = await http.get(callback_path(provider.authorize(begun.headers["location"])))
        cookies += done.headers.get_list("set-cookie")
        assert done.headers["location"] == f"{server.url}/docs"
        to_docs = await http.get("/docs", headers={"Accept": "text/html", "Cookie": ""})
        assert to_docs.headers.get("location") == "/auth/login?next=/docs"
        upload = await http.post(
            "/imports",
            json={"fileName": "a.csv", "sizeBytes": 1},
            headers=bearer_header(provider.token()),
        )
        assert upload.json()["uploadUrl"].startswith(f"{server.url}/imports/")
        document = await http.get("/docs/openapi.json", headers=bearer_header(provider.token()))
        assert EVIL not in document.text
    assert not [cookie for cookie in cookies if "domain" in cookie.lower()]
    assert not [cookie for cookie in cookies if "secure" in cookie.lower()]


@pytest.mark.parametrize("origin", [f"http://{EVIL}", f"https://{EVIL}"])
async def test_they_make_no_foreign_page_one_of_ours(
    server: ApiServer, provider: HostileProvider, origin: str
) -> None:
    async with httpx2.AsyncClient(base_url=server.url) as http:
        begun = await http.get("/auth/login")
        await http.get(callback_path(provider.authorize(begun.headers["location"])))
        headers = {"Origin": origin, "Host": EVIL, "X-Forwarded-Host": EVIL}
        response = await http.post("/auth/logout", headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "cross_origin")


@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_that_is_accepted_stays_on_this_server(
    hostile_url: str, provider: HostileProvider, target: str
) -> None:
    async with httpx2.AsyncClient(base_url=hostile_url) as http:
        begun = await http.get("/auth/login", params={"next": target})
        assert begun.status_code == 303
        done = await http.get(callback_path(provider.authorize(begun.headers["location"])))
        assert done.headers["location"].startswith(f"{hostile_url}/")
        assert urlsplit(done.headers["location"]).netloc == urlsplit(hostile_url).netloc


@pytest.mark.parametrize("names", [["next", "next"], ["return", "redirect", "url", "redirect_uri"]])
async def test_no_other_parameter_says_where_to(
    hostile_url: str, provider: HostileProvider, names: list[str]
) -> None:
    query = "&".join(f"{name}=//{EVIL}" for name in names)
    async with httpx2.AsyncClient(base_url=hostile_url) as http:
        begun = await http.get(f"/auth/login?next=/docs&{query}")
        if begun.status_code == 400:
            assert begun.json()["code"] == "invalid_return_path"
            return
        done = await http.get(callback_path(provider.authorize(begun.headers["location"])))
        assert done.headers["location"] == f"{hostile_url}/docs"
