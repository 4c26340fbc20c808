import re
from typing import Any

import httpx2
import pytest

ROUTES = {
    "/": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
    "/metrics": {"get"},
    "/sensor-data": {"post"},
    "/sensor-data/upload-csv": {"post"},
    "/sensor-data/aggregated": {"get"},
    "/sensor-data-aggregated": {"get"},
    "/imports": {"get"},
    "/imports/{import_id}": {"get"},
    "/imports/{import_id}/rejects": {"get"},
    "/imports/{import_id}/cancel": {"post"},
    "/imports/{import_id}/retry": {"post"},
}


async def document(client: httpx2.AsyncClient) -> dict[str, Any]:
    described: dict[str, Any] = (await client.get("/docs/openapi.json")).json()
    return described


async def test_the_page_needs_nothing_from_elsewhere(anonymous: httpx2.AsyncClient) -> None:
    page = (await anonymous.get("/docs")).text
    references = re.findall(r"""(?:src|href)=["']([^"']*)["']""", page)
    assert len(references) == 3
    for reference in references:
        response = await anonymous.get(reference)
        assert response.status_code == 200
        assert len(response.content) > 100_000
    assert not re.search(r"https?://(?!spec\.openapis\.org)", page)


@pytest.mark.parametrize("name", ["x.js", "__init__.py", "..%2F__init__.py", "url.json"])
async def test_no_other_file_is_handed_out(anonymous: httpx2.AsyncClient, name: str) -> None:
    assert (await anonymous.get(f"/docs/assets/{name}")).status_code in {400, 404}


async def test_every_route_is_described_with_its_refusals(anonymous: httpx2.AsyncClient) -> None:
    described = await document(anonymous)
    assert {path: set(item) for path, item in described["paths"].items()} == ROUTES
    problem = {"$ref": "#/components/schemas/Problem"}
    for item in described["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                for media_type, content in response.get("content", {}).items():
                    if int(status) >= 400 and operation["operationId"] != "getReadiness":
                        assert media_type == "application/problem+json"
                        assert content["schema"] == problem


async def test_what_needs_a_token_says_so(anonymous: httpx2.AsyncClient) -> None:
    described = await document(anonymous)
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    open_paths = {
        path
        for path, item in described["paths"].items()
        for operation in item.values()
        if not operation.get("security")
    }
    assert open_paths == {"/", "/health/live", "/health/ready"}


async def test_the_bodies_are_described(anonymous: httpx2.AsyncClient) -> None:
    paths = (await document(anonymous))["paths"]
    reading = paths["/sensor-data"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(reading["required"]) == {"equipmentId", "timestamp", "value"}
    form = paths["/sensor-data/upload-csv"]["post"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["required"] == ["file"]
    interval = paths["/sensor-data/aggregated"]["get"]["parameters"][0]
    assert (interval["name"], interval["required"]) == ("interval", True)
    assert interval["schema"]["enum"] == ["24h", "48h", "1w", "1m"]
