"""Authorization of every route: anonymous and forbidden requests come first."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from litestar import Litestar, get
from litestar.exceptions import ImproperlyConfiguredException
from litestar.routes import HTTPRoute

from api.auth.access import (
    AUTHENTICATED,
    METRICS,
    PUBLIC,
    SESSION_HOLDER,
    AccessRule,
    enforce_access,
    require_rules,
)
from core.scopes import Scope
from tests.support.stub_provider import StubProvider

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

REQUIRED_SCOPES = {
    ("POST", "/sensor-data"): Scope.READINGS_WRITE,
    ("GET", "/sensor-data"): Scope.READINGS_READ,
    ("POST", "/sensor-data/batch"): Scope.READINGS_WRITE,
    ("POST", "/api/v2/write"): Scope.READINGS_WRITE,
    ("POST", "/write"): Scope.READINGS_WRITE,
    ("POST", "/api/v3/write_lp"): Scope.READINGS_WRITE,
    ("GET", "/sensor-data/latest"): Scope.READINGS_READ,
    ("GET", "/sensor-data/live"): Scope.READINGS_READ,
    ("GET", "/sensor-data/aggregated"): Scope.READINGS_READ,
    ("GET", "/sensor-data-aggregated"): Scope.READINGS_READ,
    ("POST", "/rollups/audit"): Scope.ADMIN,
    ("GET", "/system"): Scope.ADMIN,
    ("POST", "/sensor-data/upload-csv"): Scope.IMPORTS_WRITE,
    ("POST", "/imports"): Scope.IMPORTS_WRITE,
    ("POST", "/imports/preview"): Scope.IMPORTS_WRITE,
    ("POST", "/imports/{import_id:uuid}/complete"): Scope.IMPORTS_WRITE,
    ("GET", "/equipment"): Scope.READINGS_READ,
    ("GET", "/equipment/{equipment_id:path}"): Scope.READINGS_READ,
    ("PATCH", "/equipment/{equipment_id:path}"): Scope.ADMIN,
    ("GET", "/imports"): Scope.IMPORTS_READ,
    ("GET", "/imports/{import_id:uuid}"): Scope.IMPORTS_READ,
    ("GET", "/imports/{import_id:uuid}/rejects"): Scope.IMPORTS_READ,
    ("GET", "/imports/{import_id:uuid}/events"): Scope.IMPORTS_READ,
    ("POST", "/imports/{import_id:uuid}/rejects"): Scope.IMPORTS_WRITE,
    ("POST", "/imports/{import_id:uuid}/cancel"): Scope.IMPORTS_WRITE,
    ("POST", "/imports/{import_id:uuid}/retry"): Scope.IMPORTS_WRITE,
}
PUBLIC_ROUTES = {
    ("GET", "/"),
    ("GET", "/ui"),
    ("GET", "/ui/{view:path}"),
    ("GET", "/ui/assets/{name:str}"),
    ("GET", "/auth/sign-in-options"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/ping"),
    ("GET", "/auth/login"),
    ("POST", "/auth/login"),
    ("GET", "/auth/callback"),
    ("POST", "/auth/backchannel-logout"),  # authenticated by its logout token
    ("PUT", "/imports/{import_id:uuid}/content"),  # authenticated by the signature in its URL
}
AUTHENTICATED_ROUTES = {
    *(("GET", "/auth/me"), ("GET", "/docs")),
    *(("GET", "/query"), ("POST", "/query")),
}
SIGN_OUT = ("POST", "/auth/logout")
METRICS_ROUTE = ("GET", "/metrics")
RULES: dict[tuple[str, str], AccessRule] = {
    **REQUIRED_SCOPES,
    **dict.fromkeys(PUBLIC_ROUTES, PUBLIC),
    **dict.fromkeys(AUTHENTICATED_ROUTES, AUTHENTICATED),
    METRICS_ROUTE: METRICS,
    SIGN_OUT: SESSION_HOLDER,
}


def concrete(path: str) -> str:
    path = path.replace("{import_id:uuid}", UNKNOWN_ID).replace("{equipment_id:path}", "none")
    return path.replace("{view:path}", "none").replace("{name:str}", "none")


def handlers(app: Litestar) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                yield method, route.path, dict(handler.opt)


def test_every_route_declares_the_access_rule_of_this_table(app: Litestar) -> None:
    declared = {(method, path): opt["access"] for method, path, opt in handlers(app)}
    reference = {route for route in declared if route[1].startswith("/docs/")}
    assert {declared.pop(route) for route in reference} == {AUTHENTICATED}
    assert declared == RULES


def test_an_application_with_a_handler_without_access_rule_is_rejected() -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "secret"

    with pytest.raises(ImproperlyConfiguredException, match="forgotten"):
        require_rules(Litestar([forgotten], guards=[enforce_access], openapi_config=None))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *REQUIRED_SCOPES,
        *sorted(AUTHENTICATED_ROUTES),
        METRICS_ROUTE,
        SIGN_OUT,
        ("GET", "/docs/openapi.json"),
    ],
)
async def test_a_request_without_a_token_is_unauthorized(
    anonymous: httpx2.AsyncClient, method: str, path: str
) -> None:
    response = await anonymous.request(method, concrete(path))
    assert response.status_code == 401
    assert response.json()["code"] == "missing_token"
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), REQUIRED_SCOPES)
async def test_a_token_without_the_scope_is_forbidden_and_the_scope_named(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, method: str, path: str
) -> None:
    required = REQUIRED_SCOPES[method, path]
    others = " ".join(scope for scope in Scope if scope != required)
    response = await anonymous.request(
        method,
        concrete(path),
        headers={"Authorization": f"Bearer {stub_provider.token(scope=others)}"},
    )
    assert response.status_code == 403
    assert response.json()["code"] == "missing_scope"
    assert required in response.json()["message"]
    assert f'scope="{required}"' in response.headers["www-authenticate"]


async def test_any_valid_token_may_read_the_metrics(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider
) -> None:
    await anonymous.get("/")
    headers = {"Authorization": f"Bearer {stub_provider.token(scope='')}"}
    metrics = await anonymous.get("/metrics", headers=headers)
    assert metrics.status_code == 200
    assert "process_cpu_seconds_total" in metrics.text
    assert 'sensorflow_http_requests_total{method="GET",route="/",status="200"}' in metrics.text


@pytest.mark.parametrize("where", ["access_token", "token", "authorization"])
async def test_a_token_in_the_query_string_is_ignored(
    anonymous: httpx2.AsyncClient, stub_provider: StubProvider, where: str
) -> None:
    response = await anonymous.get("/imports", params={where: f"Bearer {stub_provider.token()}"})
    assert response.json()["code"] == "missing_token"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dGVzdDp0ZXN0", "token", "bearertoken"])
async def test_a_header_without_a_bearer_token_is_no_token(
    anonymous: httpx2.AsyncClient, header: str
) -> None:
    response = await anonymous.get("/imports", headers={"Authorization": header})
    assert response.json()["code"] == "missing_token"


@pytest.mark.parametrize(
    "path", ["/", "/health/live", "/health/ready", "/health", "/ready", "/ping?verbose=true"]
)
async def test_health_is_public(anonymous: httpx2.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 200
