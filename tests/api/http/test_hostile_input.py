"""Hostile input never causes an internal error, and errors are always problem details."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

any_text = st.text(st.characters(exclude_categories=()), max_size=30)  # surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)
near_misses = st.fixed_dictionaries(
    {},
    optional={
        "equipmentId": st.text(max_size=300) | json_values,
        "timestamp": st.datetimes().map(lambda ts: ts.isoformat()) | json_values,
        "value": st.floats() | json_values,
        "more": json_values,
    },
)
bodies = (json_values | near_misses).map(lambda value: json.dumps(value).encode()) | st.binary(
    max_size=400
)
paths = st.sampled_from(
    [
        "/sensor-data/aggregated",
        "/sensor-data/latest",
        "/imports",
        "/imports/00000000-0000-4000-8000-000000000000",
        "/imports/00000000-0000-4000-8000-000000000000/rejects",
        "/imports/none",
        "/docs/assets/x",
        "/sensor-data",
    ]
)
names = st.sampled_from(
    ["interval", "from", "to", "equipmentId", "resolution", "limit", "cursor", "timeout", "x"]
) | st.text(max_size=5)
fuzzed = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def assert_no_internal_error(response: httpx2.Response) -> None:
    assert response.status_code < 500
    if response.status_code >= 400:
        problem: dict[str, Any] = response.json()
        assert problem.keys() >= {"type", "title", "status", "detail", "instance", "code"}
        assert isinstance(problem["message"], str | list)
        assert response.headers["content-type"] == "application/problem+json"


@fuzzed
@given(body=bodies)
async def test_no_body_makes_saving_a_reading_fail_internally(
    client: httpx2.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    assert_no_internal_error(await client.post("/sensor-data", content=body, headers=headers))


@fuzzed
@given(path=paths, query=st.lists(st.tuples(names, st.text(max_size=20)), max_size=4))
async def test_no_query_string_makes_a_route_fail_internally(
    client: httpx2.AsyncClient, path: str, query: list[tuple[str, str]]
) -> None:
    assert_no_internal_error(await client.get(f"{path}?{urlencode(query)}"))


@fuzzed
@given(body=st.binary(max_size=600), boundary=st.sampled_from(["x", "", '"', "é", "x" * 2000]))
async def test_no_form_makes_an_upload_fail_internally(
    client: httpx2.AsyncClient, body: bytes, boundary: str
) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}".encode()}
    framed = b"--x\r\n" + body + b"\r\n--x--\r\n"
    assert_no_internal_error(
        await client.post("/sensor-data/upload-csv", content=framed, headers=headers)  # type: ignore[arg-type]  # httpx2 takes bytes here
    )
