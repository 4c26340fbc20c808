"""InfluxQL: what clients of InfluxDB 1 send before they write, and nothing else."""

from typing import Any

import httpx2
import pytest

CREATED: dict[str, Any] = {"statement_id": 0}
SHOWN = [{"name": "databases", "columns": ["name"], "values": [["sensorflow"]]}]

CREATE = [
    'CREATE DATABASE "telegraf"',
    "create database mydb",
    "CREATE DATABASE mydb;",
    '  CREATE\n DATABASE  "with \\"quotes\\"; and blanks"  ',
    'CREATE DATABASE "micrometer" WITH DURATION 30d REPLICATION 1 SHARD DURATION 1d NAME "month"',
]
OTHERS = [
    "",
    " ",
    ";",
    "CREATE DATABASE",
    "CREATE DATABASE a b",
    "CREATE DATABASE a; DROP DATABASE a",
    "DROP DATABASE mydb",
    "SELECT * FROM cpu",
    "SHOW MEASUREMENTS",
    "SHOW DATABASES WHERE x",
    "CREATE USER a WITH PASSWORD 'secret-1'",
    "CREATE DATABASE \x00",
    "create database " + "a" * 20_000 + " x",
    'CREATE DATABASE "' + '\\"' * 10_000,
]


@pytest.mark.parametrize("query", CREATE)
async def test_creating_a_database_succeeds_and_does_nothing(
    client: httpx2.AsyncClient, query: str
) -> None:
    for response in (
        await client.get("/query", params={"q": query, "db": "any"}),
        await client.post("/query", params={"q": query}),
        await client.post("/query", data={"q": query, "db": "any"}),
    ):
        assert (response.status_code, response.json()) == (200, {"results": [CREATED]})
        assert response.headers["x-influxdb-version"] == "1.8.10"


async def test_one_database_is_shown(client: httpx2.AsyncClient) -> None:
    response = await client.get("/query", params={"q": "SHOW DATABASES"})
    assert response.json() == {"results": [{"statement_id": 0, "series": SHOWN}]}


async def test_each_statement_has_its_result(client: httpx2.AsyncClient) -> None:
    query = 'create database "a;b" ; show databases;create database c with name d;'
    results = [CREATED, {"statement_id": 1, "series": SHOWN}, {"statement_id": 2}]
    assert (await client.post("/query", data={"q": query})).json() == {"results": results}


@pytest.mark.parametrize("query", OTHERS)
async def test_any_other_query_is_refused_and_the_way_to_read_is_named(
    client: httpx2.AsyncClient, query: str
) -> None:
    response = await client.get("/query", params={"q": query})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "unsupported_query")
    assert problem["error"] == problem["message"]
    for way in ("GET /sensor-data", "/sensor-data/aggregated", "SQL", "schema bi"):
        assert way in problem["error"]
    assert "secret-1" not in response.text


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"db=any", "application/x-www-form-urlencoded"),
        (b"\xff=\xff&%ff=%ff", "application/x-www-form-urlencoded"),
        (b'{"q": "SHOW DATABASES"}', "application/json"),
    ],
)
async def test_a_request_without_a_query_gets_an_error_of_its_own(
    client: httpx2.AsyncClient, content: bytes, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    response = await client.post("/query", content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "missing_value")
    assert response.json()["error"] == "q is missing"


async def test_a_large_form_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.post("/query", data={"q": "x" * 70_000})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
