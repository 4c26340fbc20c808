"""The one rule for equipment ids: composed, trimmed, and of characters that can be seen."""

import asyncio
import csv
import io
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.http.equipment_filter import EQUIPMENT_ID, parse_equipment_filter
from api.http.query_parameters import Parameters
from core.database import Pool
from core.errors import ReadingRejectedError
from core.readings import INVISIBLE_CHARACTER, WHITE_SPACE, normalize_id, validate_id
from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from tests.api.equipment.test_equipment import describe, get_json, path_of
from tests.api.stored import insert
from tests.jobs.support import run_import
from tests.support.ids import is_stored_unchanged

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
# Of the category of format characters, but shown, below or around the digits that follow.
SHOWN_FORMAT_CHARACTERS = {
    *range(0x600, 0x606),
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
}
# Letters, marks and symbols that show nothing.
HIDDEN = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}

any_text = st.text() | st.text(
    st.sampled_from("a\u00e9e\u0301\u1f82 \u00a0\u3000\u2001\u212b\t\x1f")
)


@pytest.fixture
def context(migrated_url: str, pool: Pool, tmp_path: Path) -> ImportContext:
    """A worker's, over the database of the server."""
    return ImportContext(
        Storage.open(StorageSettings(url=str(tmp_path))),
        DatabaseSettings(url=SecretStr(migrated_url)),
        WorkerSettings(),
        ReadingSettings(),
        asyncio.Event(),
        1000,
        pool,
    )


@given(text=any_text)
@example("e\u0301" * 600 + " ")
@example(" " * 2000 + "\u2001a")
def test_an_id_that_is_normalized_twice_is_the_same(text: str) -> None:
    once = normalize_id(text)
    assert normalize_id(once) == once
    assert once == once.strip(WHITE_SPACE)


@given(text=any_text)
def test_an_id_that_is_accepted_is_stored_by_its_letters_from_then_on(text: str) -> None:
    try:
        equipment_id = validate_id(text)
    except ReadingRejectedError:
        assert not is_stored_unchanged(text)
    else:
        assert validate_id(equipment_id) == equipment_id
        assert 0 < len(equipment_id) <= 255
        assert unicodedata.is_normalized("NFC", equipment_id)


def test_every_character_that_shows_nothing_is_refused_and_no_other() -> None:
    for code_point in range(sys.maxunicode + 1):
        character = chr(code_point)
        category = unicodedata.category(character)
        shows_nothing = (
            category in {"Zs", "Zl", "Zp"}
            or (category == "Cf" and code_point not in SHOWN_FORMAT_CHARACTERS)
            or code_point in HIDDEN
            or "VARIATION SELECTOR" in unicodedata.name(character, "")
        )
        found = INVISIBLE_CHARACTER.match(character) is not None
        if category != "Cn":  # of the others Unicode reserves some for this purpose
            assert found == (shows_nothing and character != " "), hex(code_point)


def test_what_is_white_space_to_python_and_no_control_character_is_trimmed() -> None:
    blanks = {chr(n) for n in range(sys.maxunicode + 1) if chr(n).isspace()}
    assert set(WHITE_SPACE) == blanks - set("\x1c\x1d\x1e\x1f")


@pytest.mark.parametrize(
    ("text", "code", "code_point"),
    [
        ("a\u200bb", "invisible_character", "U+200B"),
        ("\ufeffa", "invisible_character", "U+FEFF"),
        ("a\u00a0b", "invisible_character", "U+00A0"),
        ("\u2744\ufe0f", "invisible_character", "U+FE0F"),
        ("a\U000e0041", "invisible_character", "U+E0041"),
        ("a\x07b", "bad_text", "U+0007"),
        ("a\ud800", "bad_text", "U+D800"),
    ],
)
def test_the_character_at_fault_is_named(text: str, code: str, code_point: str) -> None:
    with pytest.raises(ReadingRejectedError, match=code_point.replace("+", r"\+")) as refused:
        validate_id(text)
    assert refused.value.code == code


def parquet(texts: list[str]) -> bytes:
    buffer = io.BytesIO()
    times = [NOON] * len(texts)
    columns = {"equipmentId": texts, "timestamp": times, "value": [1.0] * len(texts)}
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def csv_of(texts: list[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["equipmentId", "timestamp", "value"])
    writer.writerows([text, NOON.isoformat(), 1] for text in texts)
    return buffer.getvalue()


async def test_ids_that_look_the_same_are_one_by_every_way_in(
    client: httpx2.AsyncClient, pool: Pool, context: ImportContext
) -> None:
    texts = ["k\u00e4fig", "ka\u0308fig", " k\u00e4fig", "k\u00e4fig\u00a0", "\u3000ka\u0308fig\t"]
    rows = [{"equipmentId": t, "timestamp": NOON.isoformat(), "value": 1} for t in texts]
    for row in rows:
        assert (await client.post("/sensor-data", json=row)).status_code == 201
    counts = (await client.post("/sensor-data/batch", json=rows)).json()
    assert (counts["read"], counts["unchanged"]) == (5, 5)
    for content, extension in ((csv_of(texts), ".csv"), (parquet(texts), ".parquet")):
        outcome = await run_import(context, content, extension)
        assert (outcome.counts.read, outcome.counts.unchanged) == (5, 5)
    assert await pool.fetchval("SELECT array_agg(DISTINCT equipment_id) FROM readings") == [
        texts[0]
    ]
    assert await pool.fetchval("SELECT count(*) FROM readings") == 1


async def test_an_invisible_character_is_refused_by_every_way_in(
    client: httpx2.AsyncClient, pool: Pool, context: ImportContext
) -> None:
    row = {"equipmentId": "t\u200b27", "timestamp": NOON.isoformat(), "value": 1}
    message = "must not contain the invisible character U+200B"
    posted = await client.post("/sensor-data", json=row)
    batch = await client.post("/sensor-data/batch", json=[row])
    for response in (posted, batch):
        assert (response.status_code, response.json()["code"]) == (400, "invisible_character")
        assert f"equipmentId {message}" in response.text
    line = await client.post("/api/v2/write", content="m,id=t\u200b27 f=1".encode())
    assert (line.status_code, message in line.text) == (400, True)
    for content, extension in (
        (csv_of(["t\u200b27"]), ".csv"),
        (parquet(["t\u200b27"]), ".parquet"),
    ):
        outcome = await run_import(context, content, extension)
        assert outcome.error_code == "no_valid_rows"
        assert f"invisible_character in equipmentId ({message})" in outcome.error_message
    assert await pool.fetchval("SELECT count(*) FROM readings") == 0


async def found(client: httpx2.AsyncClient, equipment_id: str) -> list[str]:
    page = await get_json(client, "/sensor-data", equipmentId=equipment_id)
    return [item["equipmentId"] for item in page["items"]]


async def test_a_query_finds_what_is_stored_now_and_what_was_stored_as_it_is_written(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    stored = ["t27", "t27 ", "t\u200b27", "k\u00e4fig", "ka\u0308fig"]
    await insert(pool, *((name, NOON, 1) for name in stored))
    assert await found(client, "t27") == ["t27"]
    assert await found(client, "t27 ") == ["t27", "t27 "]
    assert await found(client, "\u00a0t27") == ["t27"]
    assert await found(client, "t\u200b27") == ["t\u200b27"]
    assert await found(client, "k\u00e4fig") == ["k\u00e4fig"]
    assert await found(client, "ka\u0308fig") == ["ka\u0308fig", "k\u00e4fig"]
    assert await found(client, "ka\u0308*") == ["ka\u0308fig", "k\u00e4fig"]
    assert await found(client, " t2*") == ["t27", "t27 "]
    blank = await client.get("/sensor-data", params={"equipmentId": " "})
    assert (blank.status_code, blank.json()["code"]) == (400, "missing_value")


async def test_a_route_of_one_id_prefers_what_is_stored_as_it_is_written(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    await insert(pool, ("t27", NOON, 1), ("t27 ", NOON, 2), ("k\u00e4fig", NOON, 3))
    assert (await get_json(client, path_of("t27 ")))["lastValue"] == 2
    assert (await get_json(client, path_of(" t27")))["lastValue"] == 1
    described = await describe(client, "ka\u0308fig ", {"name": "Cage"})
    assert (described.json()["equipmentId"], described.json()["name"]) == ("k\u00e4fig", "Cage")
    assert (await describe(client, "t27 ", {"name": "Old"})).json()["equipmentId"] == "t27 "
    assert (await get_json(client, path_of("t27")))["name"] is None
    assert (await client.get(path_of(" t28"))).status_code == 404


def test_a_live_filter_matches_what_is_stored() -> None:
    pairs = [("equipmentId", "ka\u0308fig "), ("equipmentId", " t*")]
    chosen = parse_equipment_filter(Parameters(pairs, [EQUIPMENT_ID]))
    assert all(map(chosen.matches, ["k\u00e4fig", "ka\u0308fig ", "t27"]))
    assert not any(map(chosen.matches, ["kafig", "a t"]))


async def test_an_old_id_moves_by_an_export_that_is_imported(
    client: httpx2.AsyncClient, pool: Pool, context: ImportContext
) -> None:
    await insert(pool, ("t27 ", NOON, 1))
    exported = await client.get("/sensor-data", params={"equipmentId": "t27 ", "format": "csv"})
    assert (await run_import(context, exported.content)).counts.inserted == 1
    assert await found(client, "t27") == ["t27"]
