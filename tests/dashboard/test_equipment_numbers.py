"""Below the chart: the numbers that it shows as a table, as files, and by curl, Python and SQL."""

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
from asyncpg import Record
from playwright.async_api import Locator, Page, expect

from core.database import Connection, Pool
from embedded.identity import read_accounts
from tests.api.stored import HOUR, insert
from tests.auth.chromium import needs_chromium
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer
from tests.auth.user_agent import TEST_USER
from tests.dashboard.pages import sign_in

pytestmark = needs_chromium

START = datetime(2026, 3, 1, tzinfo=UTC)
RANGE = "from=2026-03-09T20:15:00.000Z&to=2026-03-12T20:15:00.000Z"
SHORT_RANGE = "from=2026-03-10T00:00:00.000Z&to=2026-03-10T02:00:00.000Z"
OTHER = 'it\'s 4/5 "°"'  # which every quoting has to bear
CLIENT = "sensor-gateway"
COLUMNS = ("totalValue", "sampleCount", "average", "minimum", "maximum", "first", "last")
VIEWS = [
    f"{RANGE}&resolution=1h&tz=UTC&compare=1w",
    f"{RANGE}&resolution=1h&tz=Asia/Kathmandu",
    f"{RANGE}&resolution=1d&tz=America/Sao_Paulo&compare=previous",
    f"{SHORT_RANGE}&resolution=5m&tz=Asia/Kathmandu",
    f"{SHORT_RANGE}&resolution=raw",
]

PYTHON_VIEWS = (VIEWS[0], VIEWS[-1])  # a program takes a second to start

Key = tuple[str, datetime]
Numbers = dict[Key, tuple[Any, ...]]


def numbers_of(rows: Iterable[Mapping[str, Any]]) -> Numbers:
    """Buckets or readings by equipment and time, as values of JSON or as cells of a file."""
    return {
        (row["equipmentId"], moment(row.get("intervalStart", row.get("timestamp")))): tuple(
            float(row[name]) for name in COLUMNS if name in row
        )
        or (float(row["value"]),)
        for row in rows
    }


def moment(value: Any) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def cells_of(text: str) -> Numbers:
    return numbers_of(csv.DictReader(io.StringIO(text, "")))


async def store(pool: Pool) -> None:
    """Twelve days of a reading every five minutes, with gaps; eighths add up without rounding."""
    steps = [step for step in range(12 * 288) if step % 50 < 45]
    times = [START + step * timedelta(minutes=5) for step in steps]
    await insert(pool, *(("pump-1", ts, n % 97 / 8) for n, ts in enumerate(times)))
    await insert(pool, *((OTHER, ts, -n % 89 / 8) for n, ts in enumerate(times[::2])))
    await pool.execute("INSERT INTO equipment (id, name, unit) VALUES ('pump-1', 'Pump', 'bar')")


async def run(code: str, *command: str, **variables: str) -> str:
    """What a program prints that is given the code."""
    environment = {**os.environ, **variables}
    process = await asyncio.create_subprocess_exec(
        *command, code, stdout=asyncio.subprocess.PIPE, env=environment
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def snippet_of(page: Page, language: str) -> str:
    await page.get_by_text(language, exact=True).click()
    return await page.locator("pre code").inner_text()


async def rows_in_sql(connection: Connection, statements: str) -> list[Numbers]:
    """What each of the statements returns to a login of `sensorflow bi-user create`."""
    async with connection.transaction(readonly=True):
        await connection.execute("SET LOCAL search_path = bi")
        return [
            numbers_of(map(as_item, await connection.fetch(statement)))
            for statement in statements.split(";\n")
            if "SELECT" in statement
        ]


def as_item(row: Record) -> dict[str, Any]:
    """The row under the names of JSON; a reading has no others than the views."""
    renamed = {"total_value": "totalValue", "sample_count": "sampleCount", "time": "timestamp"}
    return {renamed.get(name, name): value for name, value in row.items()} | {
        "equipmentId": row["equipment_id"]
    }


def table_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Table of the numbers shown")


async def table_numbers(page: Page, *, is_raw: bool) -> Numbers:
    """The rows that are drawn, with the exact numbers, which stand in their titles."""
    rows = (
        await table_of(page)
        .locator("tr.row")
        .evaluate_all("rows => rows.map(row => [...row.children].map(cell => cell.title))")
    )
    names = ["value"] if is_raw else [*COLUMNS[2:], "totalValue", "sampleCount"]
    return numbers_of(
        {"timestamp": time, "equipmentId": name, **dict(zip(names, values, strict=False))}
        for time, name, *values in rows
    )


async def downloaded(page: Page, name: str) -> bytes:
    async with page.expect_download() as download:
        await page.get_by_role("group", name="Export").get_by_text(name, exact=True).click()
    return contents(await (await download.value).path())


def contents(path: str | Path) -> bytes:
    return Path(path).read_bytes()


async def test_table_files_curl_python_and_sql_have_the_numbers_of_the_api(
    page: Page, pool: Pool, bi_tool: Connection, dashboard: ApiServer
) -> None:
    await store(pool)
    client = await client_variables(dashboard)
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.locator("tr.row")).to_have_count(2)
    for view in VIEWS:
        await page.goto(f"/ui/equipment/pump-1?{view}&with={OTHER.replace('/', '%2F')}")
        await expect(page.get_by_role("button", name="Copy table")).to_be_visible()
        is_raw = "raw" in view
        link = str(await page.get_by_role("link", name="CSV", exact=True).get_attribute("href"))
        answer = await page.evaluate(
            "async (link) => await (await fetch(link)).text()", link.replace("csv", "ndjson")
        )
        items = [json.loads(line) for line in answer.splitlines()]
        expected = numbers_of(items)
        assert len(expected) > 5
        await expect(page.get_by_text(f"Rows: {len(items)}", exact=True)).to_be_visible()
        drawn = await table_numbers(page, is_raw=is_raw)
        assert drawn.items() <= expected.items()
        assert 5 < len(drawn) < 45
        await table_of(page).press("End")
        last = table_of(page).locator("tr.row").last
        await expect(last).to_have_attribute("aria-rowindex", str(len(items) + 1))
        assert cells_of((await downloaded(page, "CSV")).decode()) == expected
        parquet = io.BytesIO(await downloaded(page, "Parquet"))
        assert numbers_of(pq.read_table(parquet).to_pylist()) == expected

        curl = await snippet_of(page, "curl")
        assert cells_of(await run(curl, "sh", "-c", TOKEN=client["TOKEN"])) == expected
        if view in PYTHON_VIEWS:
            for language in ("Python", "Python, as a machine"):
                code = await snippet_of(page, language) + "\nprint(json.dumps(rows))"
                printed = await run(code, sys.executable, "-c", **client)
                assert json.loads(printed.splitlines()[-1]) == items
        shown, *earlier = await rows_in_sql(bi_tool, await snippet_of(page, "SQL"))
        assert shown == expected
        if "compare" in view:
            counterparts = [each["compared"] for each in items if each.get("compared")]
            assert len(counterparts) > 2
            assert numbers_of(counterparts).items() <= earlier[0].items()


async def client_variables(dashboard: ApiServer) -> dict[str, str]:
    """What a machine has in its environment, and the token that it gets by it."""
    issuer = dashboard.settings.auth.issuer
    secret = read_accounts().client_secrets[CLIENT]
    async with httpx2.AsyncClient() as http:
        document = await http.get(f"{issuer}/.well-known/openid-configuration")
        url = document.json()["token_endpoint"]
        granted = await http.post(
            url, auth=(CLIENT, secret), data={"grant_type": "client_credentials"}
        )
    token = granted.raise_for_status().json()["access_token"]
    return {"TOKEN_URL": url, "CLIENT_ID": CLIENT, "CLIENT_SECRET": secret, "TOKEN": token}


async def test_statistics_are_those_of_the_whole_range_and_of_the_period_before(
    page: Page, pool: Pool
) -> None:
    await store(pool)
    end = START + timedelta(days=9)
    span = {"from": (end - 48 * HOUR).isoformat(), "to": end.isoformat()}
    await page.goto(
        f"/ui/equipment/pump-1?from={span['from'][:19]}Z&to={span['to'][:19]}Z&resolution=1h&tz=UTC&compare=previous"
    )
    await sign_in(page)
    statistics = page.get_by_role("region", name="Statistics")
    rows = await pool.fetchrow(
        """
        SELECT count(*), avg(value), min(value), max(value), max(value) - min(value),
            first(value, ts), last(value, ts), sum(value)
        FROM readings WHERE equipment_id = 'pump-1' AND ts >= $1 AND ts < $2
        """,
        end - 48 * HOUR,
        end,
    )
    assert rows is not None
    for row, expected in zip(await statistics.locator("tbody tr").all(), rows, strict=False):
        assert float(str(await row.locator("td").get_attribute("title"))) == expected
    await expect(statistics).to_contain_text(f"{rows[0]} before")
    await expect(statistics).to_contain_text("48 of 48 (100%)")


async def test_the_table_is_copied_as_a_spreadsheet_takes_it(page: Page, pool: Pool) -> None:
    await store(pool)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"/ui/equipment/pump-1?{SHORT_RANGE}&resolution=1h&tz=Asia/Kathmandu")
    await sign_in(page)
    await page.get_by_role("button", name="Copy table").click()
    await expect(page.get_by_text("Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    titles, *lines = [line.split("\t") for line in copied.splitlines()]
    assert titles[:2] == ["From", "Average"]
    assert [line[0] for line in lines] == ["2026-03-10 06:00:00", "2026-03-10 07:00:00"]


async def test_the_chart_is_saved_as_a_picture_with_what_explains_it(
    page: Page, pool: Pool
) -> None:
    await store(pool)
    await page.goto(f"/ui/equipment/pump-1?{RANGE}&resolution=1h&tz=UTC")
    await sign_in(page)
    await expect(page.get_by_role("button", name="Copy table")).to_be_visible()
    picture = await downloaded(page, "PNG")
    width, height = (int.from_bytes(picture[place : place + 4]) for place in (16, 20))
    drawn = await page.locator("canvas").first.evaluate("canvas => [canvas.width, canvas.height]")
    assert picture.startswith(b"\x89PNG")
    assert (width - drawn[0], height - drawn[1] > 60) == (32, True)


async def test_a_file_is_saved_once_somebody_has_signed_in_again(page: Page, pool: Pool) -> None:
    await store(pool)
    await page.goto(f"/ui/equipment/pump-1?{SHORT_RANGE}&resolution=raw")
    await sign_in(page)
    await expect(page.get_by_role("button", name="Copy table")).to_be_visible()
    await PostgresSessions(pool).clear()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV", exact=True).click()
        await page.get_by_role("dialog").get_by_label("Password").fill(TEST_USER[1])
        await page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    assert (
        len(cells_of(contents(await (await download.value).path()).decode())) == 19
    )  # of 24 steps, a gap of 5
