import re
from typing import Any

import httpx2
import pytest

from api.aggregates.parameters import PARAMETERS

ROUTES = {
    "/": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/metrics": {"get"},
    "/auth/login": {"get", "post"},
    "/auth/callback": {"get"},
    "/auth/sign-in-options": {"get"},
    "/auth/me": {"get"},
    "/auth/logout": {"post"},
    "/auth/backchannel-logout": {"post"},
    "/sensor-data": {"get", "post"},
    "/sensor-data/batch": {"post"},
    "/api/v2/write": {"post"},
    "/write": {"post"},
    "/api/v3/write_lp": {"post"},
    "/ping": {"get"},
    "/health": {"get"},
    "/ready": {"get"},
    "/query": {"get", "post"},
    "/sensor-data/upload-csv": {"post"},
    "/sensor-data/latest": {"get"},
    "/sensor-data/live": {"get"},
    "/sensor-data/aggregated": {"get"},
    "/sensor-data-aggregated": {"get"},
    "/rollups/audit": {"post"},
    "/system": {"get"},
    "/equipment": {"get"},
    "/equipment/{equipment_id}": {"get", "patch"},
    "/imports": {"get", "post"},
    "/imports/preview": {"post"},
    "/imports/{import_id}": {"get"},
    "/imports/{import_id}/content": {"put"},
    "/imports/{import_id}/complete": {"post"},
    "/imports/{import_id}/rejects": {"get", "post"},
    "/imports/{import_id}/events": {"get"},
    "/imports/{import_id}/cancel": {"post"},
    "/imports/{import_id}/retry": {"post"},
}


async def document(client: httpx2.AsyncClient) -> dict[str, Any]:
    schema: dict[str, Any] = (await client.get("/docs/openapi.json")).json()
    return schema


async def test_the_page_loads_nothing_from_other_hosts(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    references = re.findall(r"""(?:src|href)=["']([^"']*)["']""", page)
    assert len(references) == 3
    for reference in references:
        response = await client.get(reference)
        assert response.status_code == 200
        assert len(response.content) > 100_000
    assert not re.search(r"https?://(?!spec\.openapis\.org)", page)


@pytest.mark.parametrize("name", ["x.js", "__init__.py", "..%2F__init__.py", "url.json"])
async def test_no_other_file_is_served(client: httpx2.AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/assets/{name}")).status_code in {400, 404}


# Readiness reports what is missing; clients of InfluxDB know one shape only.
OTHER_SHAPES = {
    ("getReadiness", "application/json"),
    ("writeLineProtocol", "application/json"),
    ("writeLineProtocolByOldPath", "application/json"),
    ("writeLineProtocolByNewPath", "application/json"),
    ("getInfluxDBHealth", "application/json"),
    ("getInfluxDBReady", "application/json"),
}


async def test_every_route_is_documented_with_its_errors(client: httpx2.AsyncClient) -> None:
    described = await document(client)
    assert {path: set(item) for path, item in described["paths"].items()} == ROUTES
    problem = {"$ref": "#/components/schemas/Problem"}
    for item in described["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                for media_type, content in response.get("content", {}).items():
                    shape = (operation["operationId"], media_type)
                    if int(status) >= 400 and shape not in OTHER_SHAPES:
                        assert media_type == "application/problem+json"
                        assert content["schema"] == problem


async def test_routes_that_need_a_token_declare_it(client: httpx2.AsyncClient) -> None:
    described = await document(client)
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    open_paths = {
        path
        for path, item in described["paths"].items()
        for operation in item.values()
        if not operation.get("security")
    }
    sign_in = {
        f"/auth/{name}" for name in ("login", "callback", "sign-in-options", "backchannel-logout")
    }
    signed = {"/imports/{import_id}/content"}
    health = {"/", "/health/live", "/health/ready", "/health", "/ready", "/ping"}
    assert open_paths == health | sign_in | signed


async def test_a_browser_that_requests_the_page_is_redirected_to_sign_in(
    anonymous: httpx2.AsyncClient,
) -> None:
    response = await anonymous.get("/docs", headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 303
    assert response.headers["location"] == "/auth/login?next=/docs"


async def test_the_bodies_are_documented(client: httpx2.AsyncClient) -> None:
    paths = (await document(client))["paths"]
    reading = paths["/sensor-data"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(reading["required"]) == {"equipmentId", "timestamp", "value"}
    form = paths["/sensor-data/upload-csv"]["post"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["required"] == ["file"]
    parameters = paths["/sensor-data/aggregated"]["get"]["parameters"]
    described = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert set(described) == {parameter.name for parameter in PARAMETERS}
    assert described["interval"]["enum"] == ["24h", "48h", "1w", "1m"]
