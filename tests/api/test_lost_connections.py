"""Whatever asyncpg or SQLAlchemy raise for a connection that is gone is a 503 of ours, everywhere.

Each error meets each route. SENSORFLOW_LOST_AT_EVERY_STATEMENT=1 has each meet each statement of
each route too, which takes a quarter of an hour; without it one meets the last.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count, cycle, islice, product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.routes import HTTPRoute
from pydantic import SecretStr

import api.live.service
from api.app import create_app
from api.auth.tokens import Principal
from api.imports.upload_urls import UploadUrls
from api.services import ServerSettings
from core.database import Pool
from core.scopes import Scope
from core.settings import ApiSettings, CacheSettings, StorageSettings
from core.storage import Storage
from tests.api.lost_connections import ERRORS, LostConnections, MakeError
from tests.api.serving import UPLOAD_SECRET, server_settings, serving
from tests.auth.test_id_tokens import logout_token
from tests.support.stub_provider import StubProvider

UNKNOWN = "00000000-0000-4000-8000-000000000000"
READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
CSV = b"equipmentId,timestamp,value\na,2026-01-01T00:00:00Z,1\n"
RANGE = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
IMPORT = "/imports/{import_id:uuid}"
# These need it to see who calls, if at all; a stream also has what is listened to already.
ANSWERED_WITHOUT = {("GET", "/metrics"), ("GET", "/auth/me"), ("GET", "/sensor-data/live")}
PASSWORD = ("POST", "/auth/login")  # which the provider here cannot judge
READINESS = {("GET", "/health/ready"), ("GET", "/health"), ("GET", "/ready")}  # of their own bodies

Route = tuple[str, str]
Request = dict[str, Any]

REQUESTS: dict[Route, Request] = {
    ("GET", "/metrics"): {},
    **{route: {} for route in sorted(READINESS)},
    ("GET", "/auth/login"): {},
    PASSWORD: {"auth": ("somebody", "secret")},
    ("GET", "/auth/callback"): {"params": {"state": "s", "code": "c"}},
    ("GET", "/auth/me"): {},
    ("POST", "/auth/logout"): {"headers": {"Cookie": "Authentication=a"}},
    ("POST", "/auth/backchannel-logout"): {},
    ("POST", "/sensor-data"): {"json": READING},
    ("GET", "/sensor-data"): {"params": {"equipmentId": "a", **RANGE}},
    ("POST", "/sensor-data/batch"): {"json": [READING]},
    ("POST", "/api/v2/write"): {"content": b"m f=1"},
    ("POST", "/api/v3/write_lp"): {"content": b"m f=1"},
    ("POST", "/write"): {"content": b"m f=1"},
    ("GET", "/sensor-data/aggregated"): {"params": {"interval": "24h"}},
    ("GET", "/sensor-data-aggregated"): {"params": {"interval": "1m"}},
    ("GET", "/sensor-data/live"): {},
    ("POST", "/rollups/audit"): {"params": RANGE},
    ("GET", "/system"): {},
    ("GET", "/sensor-data/latest"): {},
    ("GET", "/equipment"): {},
    ("GET", "/equipment/{equipment_id:path}"): {},
    ("PATCH", "/equipment/{equipment_id:path}"): {"json": {"name": "A"}},
    ("GET", "/imports"): {},
    ("POST", "/imports"): {"json": {"fileName": "a.csv", "sizeBytes": len(CSV)}},
    ("POST", "/sensor-data/upload-csv"): {"files": {"file": ("a.csv", CSV)}},
    ("GET", IMPORT): {},
    ("GET", f"{IMPORT}/events"): {},
    ("GET", f"{IMPORT}/rejects"): {},
    ("POST", f"{IMPORT}/rejects"): {"files": {"file": ("a.csv", b"line,code,column,row\n")}},
    ("POST", f"{IMPORT}/cancel"): {},
    ("POST", f"{IMPORT}/retry"): {},
    ("POST", f"{IMPORT}/complete"): {},
    ("PUT", f"{IMPORT}/content"): {"content": CSV},
}
EVERY_STATEMENT = "SENSORFLOW_LOST_AT_EVERY_STATEMENT" in os.environ

WITHOUT_DATABASE = {
    *(("GET", "/"), ("GET", "/health/live"), ("GET", "/ping")),
    *(("GET", "/ui"), ("GET", "/ui/{view:path}"), ("GET", "/ui/assets/{name:str}")),
    ("GET", "/auth/sign-in-options"),
    ("POST", "/imports/preview"),
    *(("GET", "/query"), ("POST", "/query")),
}


class StubAuthenticator:
    """In place of the authenticator, so that the handlers meet the fault."""

    async def authenticate(self, *_: object, **__: object) -> Principal:
        return Principal("tester", "tester", frozenset(Scope), time.time() + 600)

    authenticate_session_holder = authenticate

    def cached_principal(self, _: object) -> Principal:
        return Principal("tester", "tester", frozenset(Scope), time.time() + 600)

    def has_metrics_token(self, _: object) -> bool:
        return False


class FreshToken(httpx2.Auth):
    """A token for each request, since the server remembers those that it has looked up."""

    def __init__(self, provider: StubProvider) -> None:
        self._provider = provider
        self._numbers = count()

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        token = self._provider.token(jti=str(next(self._numbers)))
        if "cookie" not in request.headers:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request


@pytest_asyncio.fixture
async def lost(monkeypatch: pytest.MonkeyPatch) -> LostConnections:
    await stop_idle_listeners()
    lost = LostConnections()
    lost.patch(monkeypatch)
    monkeypatch.setattr(api.live.service, "CONNECT_TIMEOUT_SECONDS", 0.05)
    return lost


async def stop_idle_listeners() -> None:
    """Of other servers in this loop: their statements would be taken for those of requests."""
    tasks = [
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__qualname__", "") == "Listener._run"
    ]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def settings_of(database_url: str, provider: StubProvider, folder: Path) -> ServerSettings:
    api = ApiSettings(upload_secret=SecretStr(UPLOAD_SECRET))
    settings = server_settings(database_url, provider.issuer, folder, api)
    kinds = ("user", "address", "user_and_address")
    never = {f"max_failures_per_{kind}": 1_000_000 for kind in kinds}
    auth = settings.auth.model_copy(update=never)
    return replace(settings, auth=auth, cache=CacheSettings(max_answer_bytes=0))


@pytest_asyncio.fixture
async def own_client(
    migrated_url: str,
    stub_provider: StubProvider,
    tmp_path: Path,
    pool: Pool,
    lost: LostConnections,
) -> AsyncIterator[httpx2.AsyncClient]:
    """Of a server whose connections these tests may take away."""
    del pool, lost
    async with (
        serving(settings_of(migrated_url, stub_provider, tmp_path)) as url,
        httpx2.AsyncClient(base_url=url, auth=FreshToken(stub_provider), timeout=20) as client,
    ):
        yield client


@asynccontextmanager
async def client_of(app: Litestar) -> AsyncIterator[httpx2.AsyncClient]:
    """In this process, and let in by everybody."""
    async with app.lifespan():
        services = app.state.services
        app.state.services = replace(services, authenticator=StubAuthenticator())
        handler: Any = app  # which Litestar and httpx2 describe by other types
        transport = httpx2.ASGITransport(handler, raise_app_exceptions=False)
        async with httpx2.AsyncClient(base_url="http://here", transport=transport) as client:
            yield client


class Requests:
    """Those of the table; what may be used once is made anew each time."""

    def __init__(self, provider: StubProvider, folder: Path) -> None:
        self._provider = provider
        self._urls = UploadUrls(
            Storage.open(StorageSettings(url=str(folder))),
            ApiSettings(upload_secret=SecretStr(UPLOAD_SECRET)),
        )

    async def send(self, client: httpx2.AsyncClient, route: Route) -> httpx2.Response:
        """The answer; its body too, if it is an error."""
        method, path = route
        address = path.replace("{import_id:uuid}", UNKNOWN).replace("{equipment_id:path}", "a")
        client.cookies.clear()  # of sign-ins that were begun
        async with client.stream(method, address, **await self._request(route)) as response:
            if response.is_error:
                await response.aread()
            return response

    async def _request(self, route: Route) -> Request:
        match route:
            case ("POST", "/auth/backchannel-logout"):
                return {"data": {"logout_token": logout_token(self._provider, jti=str(uuid4()))}}
            case ("POST", "/sensor-data/batch"):
                return REQUESTS[route] | {"headers": {"Idempotency-Key": str(uuid4())}}
            case ("PUT", _):
                issued = urlsplit((await self._urls.issue(UUID(UNKNOWN), "key")).upload_url)
                return REQUESTS[route] | {"params": parse_qs(issued.query)}
            case _:
                return REQUESTS[route]


@pytest.fixture
def requests(stub_provider: StubProvider, tmp_path: Path) -> Requests:
    return Requests(stub_provider, tmp_path)


def test_the_table_has_every_route(tmp_path: Path) -> None:
    app = create_app(server_settings("postgresql://u@127.0.0.1:1/d", "http://127.0.0.1", tmp_path))
    routes = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/docs")
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    assert routes == set(REQUESTS) | WITHOUT_DATABASE


async def test_every_error_is_answered_503_at_every_route(
    lost: LostConnections, requests: Requests, stub_provider: StubProvider, tmp_path: Path
) -> None:
    app = create_app(settings_of("postgresql://u@127.0.0.1:1/d", stub_provider, tmp_path))
    async with client_of(app) as client:
        for route, make_error in product(REQUESTS, ERRORS):
            with lost.after(0, make_error):
                response = await requests.send(client, route)
            require_unavailable(response, route, make_error)


async def test_a_connection_lost_at_any_statement_is_answered_503(
    own_client: httpx2.AsyncClient, lost: LostConnections, requests: Requests
) -> None:
    errors = cycle(ERRORS)
    for route in REQUESTS:
        await requests.send(own_client, route)  # which may be the first of a connection
        lost.operations = 0
        healthy = await requests.send(own_client, route)
        assert healthy.status_code < 500 or route == PASSWORD, route
        statements = lost.operations
        assert statements > 0, route
        for spared in range(0 if EVERY_STATEMENT else statements - 1, statements):
            for make_error in islice(errors, len(ERRORS) if EVERY_STATEMENT else 1):
                with lost.after(spared, make_error):
                    response = await requests.send(own_client, route)
                if lost.lost:  # on a new connection it may have been one operation less
                    require_unavailable(response, route, make_error)


def require_unavailable(response: httpx2.Response, route: Route, make_error: MakeError) -> None:
    case = (route, repr(make_error()), response.status_code)
    if route in ANSWERED_WITHOUT and response.status_code == 200:
        return
    assert response.status_code == 503, case
    if route in READINESS:
        return
    assert response.json()["code"] in {"database_unavailable", "database_overloaded"}, case
    assert response.headers["retry-after"] == "2", case
