"""Import options in fields of the form; an invalid one is named in the error."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.http.problem_details import InvalidRequestError
from api.imports.operation import OPTIONS
from api.imports.options import PARSERS, parse_options
from core.database import Pool
from core.imports import ImportOptions

CSV = ("a.csv", b"equipmentId,timestamp,value\npump-1,2026-01-01T00:00:00Z,1.5\n")
DEFAULTS: dict[str, Any] = {
    "encoding": "utf-8",
    "delimiter": None,
    "decimal": ".",
    "timeFormat": "iso8601",
    "timeZone": "UTC",
    "hour24": "reject",
    "columns": {},
    "layout": "long",
    "idTemplate": "{column}",
    "ignoreColumns": [],
    "header": "detect",
    "skipLines": 0,
    "commentPrefix": None,
    "skipLinesAfterHeader": 0,
    "maxErrors": None,
    "onTooManyErrors": "discard",
    "onConflict": "replace",
    "earliest": None,
    "nullValues": [],
}
OPTIONS_OF_CLIENT = {
    "encoding": "windows-1252",
    "delimiter": ";",
    "decimal": ",",
    "timeFormat": "%d.%m.%y %I:%M %p",
    "timeZone": "America/New_York",
    "hour24": "next_day",
    "columns": {"timestamp": "Zeit", "value": "Wert, °C"},
    "layout": "long",
    "idTemplate": "{column}",
    "ignoreColumns": [],
    "header": "detect",
    "skipLines": 3,
    "commentPrefix": "//",
    "skipLinesAfterHeader": 1,
    "maxErrors": "0.5%",
    "onTooManyErrors": "keep",
    "onConflict": "skip",
    "earliest": "1950-01-01T00:00:00Z",
    "nullValues": ["-9999", "NAN", ""],
}


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def form(*fields: tuple[str, object]) -> list[tuple[str, Any]]:
    """The fields in order; a text is a field, the file is CSV."""
    return [(name, value if value is CSV else (None, value)) for name, value in fields]


async def upload(client: httpx2.AsyncClient, *fields: tuple[str, object]) -> httpx2.Response:
    return await client.post("/sensor-data/upload-csv", files=form(*fields))


def texts(options: dict[str, Any]) -> list[tuple[str, object]]:
    return [(name, v if isinstance(v, str) else json.dumps(v)) for name, v in options.items()]


async def options_of(client: httpx2.AsyncClient, uploaded: httpx2.Response) -> object:
    assert uploaded.status_code == 201, uploaded.text
    return (await client.get(f"/imports/{uploaded.json()['importId']}")).json()["options"]


async def test_options_are_stored_and_returned_whether_before_or_after_the_file(
    client: httpx2.AsyncClient,
) -> None:
    assert await options_of(client, await upload(client, ("file", CSV))) == DEFAULTS
    before = await upload(client, *texts(OPTIONS_OF_CLIENT), ("file", CSV))
    after = await upload(client, ("file", CSV), *texts(OPTIONS_OF_CLIENT))
    assert await options_of(client, before) == await options_of(client, after) == OPTIONS_OF_CLIENT
    count = await upload(client, ("maxErrors", "007"), ("file", CSV))
    assert await options_of(client, count) == {**DEFAULTS, "maxErrors": 7}
    tab = await upload(client, ("delimiter", "tab"), ("file", CSV))
    assert await options_of(client, tab) == {**DEFAULTS, "delimiter": "\t"}


@pytest.mark.parametrize("text", ['{"equipmentId": 2, "timestamp": "1", "value": 100}'])
async def test_without_header_columns_have_numbers(client: httpx2.AsyncClient, text: str) -> None:
    fields = [("header", "none"), ("columns", text), ("delimiter", "|")]
    columns = {"equipmentId": "2", "timestamp": "1", "value": "100"}
    expected = {**DEFAULTS, "header": "none", "columns": columns, "delimiter": "|"}
    assert await options_of(client, await upload(client, *fields, ("file", CSV))) == expected
    assert parse_options({"header": "none", "columns": json.loads(text)}).columns == columns


NUMBERED = {"equipmentId": "1", "timestamp": "2", "value": "3"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "columns"),
        ({"columns": {"equipmentId": "1", "timestamp": "2"}}, "columns"),
        ({"columns": {**NUMBERED, "value": "0"}}, "columns"),
        ({"columns": {**NUMBERED, "value": "101"}}, "columns"),
        ({"columns": {**NUMBERED, "value": "01"}}, "columns"),
        ({"columns": {**NUMBERED, "value": "\u0663"}}, "columns"),
        ({"columns": {**NUMBERED, "value": "Wert"}}, "columns"),
        ({"columns": NUMBERED, "skipLinesAfterHeader": 1}, "skipLinesAfterHeader"),
    ],
)
def test_what_does_not_fit_a_file_without_header_is_refused(
    options: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        parse_options({"header": "none", **options})
    assert [problem.field for problem in raised.value.problems] == [field]


INVALID = [
    ("maxErrors", "-1"), ("maxErrors", "100.1%"), ("maxErrors", "1e3"), ("maxErrors", "5 %"),
    ("maxErrors", "9" * 16), ("maxErrors", "many"), ("onTooManyErrors", "stop"),
    ("onConflict", "update"), ("earliest", "1950"), ("earliest", "1950-02-30"), ("earliest", "0"),
    ("earliest", "0001-01-01"), ("earliest", "9999-12-31T23:59:59-01:00"),
    ("delimiter", ":"), ("delimiter", ""), ("decimal", "point"), ("timeFormat", "epoch"),
    ("timeZone", "Mars/Olympus"), ("timeZone", "localtime"), ("timeZone", "america/new_york"),
    ("timeZone", "../UTC"), ("columns", "timestamp"), ("columns", "[]"), ("columns", "[" * 9000),
    ("encoding", "latin-1"), ("encoding", "UTF-8"), ("header", "yes"), ("skipLines", "-1"),
    ("skipLines", "1.0"), ("skipLines", "10001"),
    ("nullValues", "-9999"), ("nullValues", "[-9999]"), ("nullValues", '{"a": "b"}'),
    ("nullValues", json.dumps(["x"] * 51)), ("nullValues", json.dumps(["x" * 201])),
    ("nullValues", '["\\u0000"]'), ("nullValues", '["\\ud800"]'),
    ("skipLinesAfterHeader", "one"), ("commentPrefix", ""), ("commentPrefix", " #"),
    ("commentPrefix", "#" * 11), ("commentPrefix", "\x07"),
    ("columns", '{"time": "a"}'), ("columns", '{"value": "a", "timestamp": "a"}'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), INVALID)
async def test_an_invalid_option_is_named_and_nothing_is_stored(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, name: str, text: str
) -> None:
    before = files_below(storage_folder)
    for fields in ([(name, text), ("file", CSV)], [("file", CSV), (name, text)]):
        response = await upload(client, *fields)
        assert (response.status_code, response.json()["code"]) == (400, "validation_error")
        assert [error["field"] for error in response.json()["errors"]] == [name]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0
    assert files_below(storage_folder) == before


def test_a_name_that_no_database_can_hold_is_refused() -> None:
    for text in ("\0", "a\ud800"):
        with pytest.raises(InvalidRequestError, match=r"columns\.value"):
            parse_options({"columns": json.dumps({"value": text})})


async def test_every_invalid_or_unknown_field_is_named(client: httpx2.AsyncClient) -> None:
    columns = json.dumps({"timestamp": "", "value": "x" * 201, "equipmentId": "ok"})
    response = await upload(
        client, ("timezone", "UTC"), ("decimal", ";"), ("columns", columns), ("file", CSV)
    )
    assert response.json()["code"] == "validation_error"
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
        ("timezone", "unknown_field"),
        ("decimal", "validation_error"),
        ("columns.timestamp", "missing_value"),
        ("columns.value", "too_long"),
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([("decimal", "."), ("decimal", "."), ("file", CSV)], "repeated_field"),
        ([("decimal", "."), ("file", CSV), ("decimal", ".")], "repeated_field"),
        ([("file", CSV), ("file", CSV)], "repeated_field"),
        ([("file", CSV), ("after", CSV)], "unknown_field"),
        ([("note", "x"), ("file", CSV)], "unknown_field"),
        ([("note", "x" * 100_000), ("file", CSV)], "too_long"),
        ([("decimal", b"\xff"), ("file", CSV)], "malformed_form"),
    ],
)
async def test_a_field_that_is_repeated_unknown_or_undecodable_is_rejected(
    client: httpx2.AsyncClient, fields: list[tuple[str, object]], code: str
) -> None:
    response = await upload(client, *fields)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_a_json_object_gives_the_same_options() -> None:
    assert parse_options(OPTIONS_OF_CLIENT) == parse_options(dict(texts(OPTIONS_OF_CLIENT)))
    assert parse_options({}) == ImportOptions()


LISTS = ("ignoreColumns", "nullValues")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, [","], {"a": 1}, "\ud800"])
@pytest.mark.parametrize("name", [*PARSERS, "\ud800"])
def test_a_value_of_another_type_is_rejected(name: str, value: object) -> None:
    counts = {"maxErrors", "skipLines", "skipLinesAfterHeader"}
    valid = [("columns", {}), *((name, texts) for name in LISTS for texts in ([], [","]))]
    if (name, value) in valid or (name in counts and type(value) is int):
        return
    if name == "ignoreColumns":
        assert parse_options({"layout": "wide", name: [","]}).ignore_columns == [","]
    with pytest.raises(InvalidRequestError) as raised:
        parse_options({name: value})
    (problem,) = raised.value.problems
    problem.message.encode()


def test_every_option_has_a_parser_and_is_in_the_reference() -> None:
    names = set(ImportOptions.__struct_encode_fields__)
    assert names == PARSERS.keys() == OPTIONS.keys()
