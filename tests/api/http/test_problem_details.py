import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from litestar import Litestar, get
from litestar.testing import AsyncTestClient

import api.http.json_object
import api.imports.errors
from api.auth import errors as auth_errors
from api.http.error_handlers import HANDLERS
from api.http.problem_details import STATUSES
from core.errors import SensorFlowError, SettingError
from core.readings import RejectCode

PAGE = Path(__file__).parents[3] / "docs" / "api.md"

# Imported so that __subclasses__ includes their errors.
REGISTERED = (auth_errors, api.imports.errors, api.http.json_object)


def assert_problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:sensorflow:problem:{code}"
    assert problem["message"]
    assert problem["detail"]
    assert problem["title"]
    assert problem["instance"].endswith(response.headers["x-request-id"])
    return problem


def error_classes(root: type[SensorFlowError]) -> Iterator[type[SensorFlowError]]:
    for child in root.__subclasses__():
        yield child
        yield from error_classes(child)


def test_every_code_of_the_error_tree_has_its_status() -> None:
    reachable = [
        error
        for error in error_classes(SensorFlowError)
        if error.__module__.startswith(("api.", "core."))
        and error is not SettingError  # ends a process before it serves
    ]
    codes = {error.code for error in reachable} | set(RejectCode)
    assert codes - set(STATUSES) == set()


def test_every_code_is_documented_with_its_status_and_no_other() -> None:
    table = re.findall(r"^\| ([0-9, ]+) \| (`.*) ?\|$", PAGE.read_text(), flags=re.MULTILINE)
    documented = {
        code: {int(status) for status in statuses.split(", ")}
        for statuses, codes in table
        for code in re.findall(r"`([a-z_]+)`", codes)
    }
    assert documented.keys() == STATUSES.keys() - {"wrong_columns", "unsupported_database"}
    assert all(STATUSES[code] in statuses for code, statuses in documented.items())


async def test_an_unknown_path_is_not_found(anonymous: httpx2.AsyncClient) -> None:
    assert_problem(await anonymous.get("/nowhere"), 404, "not_found")


async def test_another_method_is_not_allowed_and_the_right_ones_are_named(
    anonymous: httpx2.AsyncClient,
) -> None:
    response = await anonymous.delete("/imports")
    assert_problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["allow"]


async def test_an_invalid_parameter_is_named(client: httpx2.AsyncClient) -> None:
    problem = assert_problem(
        await client.get("/imports", params={"limit": "many"}), 400, "validation_error"
    )
    assert problem["message"].startswith("limit")
    assert problem["errors"][0]["field"] == "limit"


async def test_an_internal_error_logs_its_details_and_does_not_send_them() -> None:
    @get("/", sync_to_thread=False)
    def broken() -> str:
        secret = "postgresql://user:hunter2@db"
        raise RuntimeError(secret)

    app = Litestar([broken], exception_handlers=HANDLERS, logging_config=None, openapi_config=None)
    with structlog.testing.capture_logs() as logs:
        async with AsyncTestClient(app) as client:
            response = await client.get("/")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text
    assert [entry["event"] for entry in logs] == ["unexpected"]
    assert "hunter2" in str(logs[0]["exc_info"])


@pytest.mark.parametrize("given", ["a", "0123456789-abc_DEF.7", "x" * 64])
async def test_a_request_id_of_the_caller_is_used(
    anonymous: httpx2.AsyncClient, given: str
) -> None:
    response = await anonymous.get("/nowhere", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == given
    assert response.json()["instance"] == f"urn:sensorflow:request:{given}"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", '"quoted"', "<script>", "a,b"])
async def test_a_request_id_unfit_for_the_log_is_replaced(
    anonymous: httpx2.AsyncClient, given: str
) -> None:
    response = await anonymous.get("/", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 32


async def test_the_log_line_of_a_request_carries_no_query_string(
    anonymous: httpx2.AsyncClient,
) -> None:
    with structlog.testing.capture_logs() as logs:
        await anonymous.get("/nowhere", params={"token": "hunter2"})
    entry = next(entry for entry in logs if entry["event"] == "request")
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/nowhere", 404)
    assert "hunter2" not in json.dumps(logs, default=str)
