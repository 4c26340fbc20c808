"""Each route with each single scope, by access token and by session: served, or forbidden.

A route that is new is in no table here, and fails the test of test_access.py.
"""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from litestar import Litestar

from api.auth.access import AUTHENTICATED, METRICS, PUBLIC, SESSION_HOLDER, AccessRule
from core.database import Pool
from core.scopes import Scope
from tests.auth.test_access import RULES, concrete, handlers
from tests.auth.user_agent import bearer_header, session_header, user_agent_at
from tests.support.hostile_provider import HostileProvider, callback_path

NO_SCOPE = ""
NOT_AUTHORIZED = {"missing_token", "missing_scope", "invalid_token", "session_ended"}


@pytest_asyncio.fixture
async def http(
    hostile_url: str, provider: HostileProvider, auth_pool: Pool
) -> AsyncIterator[httpx2.AsyncClient]:
    del provider, auth_pool  # honest and empty
    async with httpx2.AsyncClient(base_url=hostile_url, timeout=20) as http:
        yield http


async def session_with(scope: str, url: str, provider: HostileProvider) -> dict[str, str]:
    """The header of a session whose access token has this scope only."""
    provider.access_token_changes["scope"] = scope
    async with user_agent_at(url) as user:
        request = (await user.http.get("/auth/login")).headers["location"]
        assert (await user.http.get(callback_path(provider.authorize(request)))).is_redirect
        return session_header(user.session_cookie)


async def refusal(
    http: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> tuple[int, str] | None:
    """Status and code if the request was refused for its caller; a stream is not read."""
    async with http.stream(method, path, headers=headers) as response:
        if response.headers.get("content-type") != "application/problem+json":
            return None
        await response.aread()
    code = response.json()["code"] if response.content else "no body"
    refused = code in NOT_AUTHORIZED or (code == "no body" and response.status_code in {401, 403})
    return (response.status_code, code) if refused else None


def routes(app: Litestar) -> list[tuple[str, str, AccessRule]]:
    """Method, path and rule of every handler, HEAD as GET; what ends a session comes last."""
    rules: list[tuple[str, str, AccessRule]] = []
    for method, path, _ in handlers(app):
        rule = AUTHENTICATED if path.startswith("/docs/") else RULES[method, path]
        methods = ("GET", "HEAD") if method == "GET" else (method,)
        rules += [(each, concrete(path), rule) for each in methods]
    return sorted(rules, key=lambda route: route[2] == SESSION_HOLDER)


def expected(
    method: str, rule: AccessRule, scope: str, *, is_session: bool
) -> tuple[int, str] | None:
    if rule in {PUBLIC, AUTHENTICATED, METRICS, scope}:
        return None
    if rule == SESSION_HOLDER:
        return None if is_session else (401, "missing_token")
    return 403, "no body" if method == "HEAD" else "missing_scope"


@pytest.mark.parametrize("is_session", [False, True])
@pytest.mark.parametrize("scope", [NO_SCOPE, *Scope])
async def test_a_scope_opens_its_own_routes_and_no_other(
    app: Litestar, http: httpx2.AsyncClient, provider: HostileProvider, scope: str, is_session: bool
) -> None:
    """Not even `admin` stands for another scope."""
    headers = bearer_header(provider.token(scope=scope))
    if is_session:
        headers = await session_with(scope, str(http.base_url), provider)
    answers = {
        (method, path, rule): await refusal(http, method, path, headers)
        for method, path, rule in routes(app)
    }
    assert answers == {
        (method, path, rule): expected(method, rule, scope, is_session=is_session)
        for method, path, rule in answers
    }


@pytest.mark.parametrize(
    "spelling",
    ["/imports/", "//imports", "/IMPORTS", "/%69mports", "/%2e/imports", "/docs%2f..%2fimports"],
)
async def test_another_spelling_of_a_path_is_no_way_around_its_rule(
    http: httpx2.AsyncClient, spelling: str
) -> None:
    url = http.base_url.copy_with(raw_path=spelling.encode())
    response = await http.send(http.build_request("GET", url))
    assert response.request.url.raw_path == spelling.encode()
    assert response.status_code in {401, 404}


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"]
)
async def test_no_header_makes_a_request_another_one(
    http: httpx2.AsyncClient, provider: HostileProvider, header: str
) -> None:
    value = "/" if "URL" in header else "GET"
    headers = {header: value, **bearer_header(provider.token(scope=Scope.IMPORTS_READ))}
    response = await http.post("/imports", headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
