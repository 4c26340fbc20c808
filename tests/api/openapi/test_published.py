"""docs/openapi.json and the collection of requests in docs/bruno."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.openapi.published import COLLECTION, DOCUMENT, stale_files

PUBLISHED: dict[str, Any] = json.loads(DOCUMENT.read_text())
OPERATIONS = [
    operation for operations in PUBLISHED["paths"].values() for operation in operations.values()
]
WITH_JSON = [
    (operation["operationId"], media_type, content["schema"])
    for operation in OPERATIONS
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
    if media_type.endswith(("/json", "+json"))
]


def _request(operation_id: str) -> str:
    (file,) = COLLECTION.rglob(f"{operation_id}.bru")
    return file.read_text()


def test_they_are_of_this_source() -> None:
    assert stale_files() == [], "run python -m tests.api.openapi.published --write"


def test_a_request_sends_a_token_exactly_where_one_is_taken() -> None:
    takes = {each["operationId"]: {"bearer": []} in each.get("security", ()) for each in OPERATIONS}
    sends = {name: "  auth: inherit\n" in _request(name) for name in takes}
    assert sends == takes
    assert len(set(takes.values())) == 2


@pytest.mark.parametrize(("operation_id", "media_type", "schema"), WITH_JSON)
def test_a_body_follows_its_schema(
    operation_id: str, media_type: str, schema: dict[str, Any]
) -> None:
    found = re.search(r"^body:json {\n(.*?)^}", _request(operation_id), re.DOTALL | re.MULTILINE)
    assert found, media_type
    components = {"components": PUBLISHED["components"]}
    Draft202012Validator(components | schema).validate(json.loads(found[1]))
