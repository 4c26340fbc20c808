"""The fleet as a user sees it: its numbers are the API's, and a long table stays light.

SENSORFLOW_TEST_EQUIPMENT=10000 makes it that long; the embedded engine is too slow for so many.
"""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from core.database import Pool
from tests.api.stored import insert, this_hour
from tests.auth.chromium import needs_chromium
from tests.dashboard.pages import sign_in

pytestmark = needs_chromium

FETCH = "async (path) => await (await fetch(path)).json()"
MANY = int(os.environ.get("SENSORFLOW_TEST_EQUIPMENT", "1500"))
DRAWN_AT_MOST = 60


def table_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Equipment")


async def ids_of(page: Page) -> Sequence[str]:
    return await table_of(page).locator("tbody th").all_inner_texts()


async def describe(pool: Pool, equipment_id: str, **fields: str | float) -> None:
    columns = ", ".join(("id", *fields))
    values = ", ".join(f"${number}" for number in range(1, len(fields) + 2))
    statement = f"INSERT INTO equipment ({columns}) VALUES ({values})"
    await pool.execute(statement, equipment_id, *fields.values())


@pytest.mark.parametrize(("label", "window"), [("48 hours", "48h"), ("Week", "1w")])
async def test_the_numbers_of_a_window_are_those_of_the_api(
    page: Page, pool: Pool, label: str, window: str
) -> None:
    rows = [("a", this_hour() - timedelta(hours=6 * step), 1000.0 + step) for step in range(60)]
    await insert(pool, *rows)
    await page.goto("/ui")
    await sign_in(page)
    await page.get_by_text(label).click()
    await expect(page).to_have_url(re.compile(f"window={window}$"))
    answer = await page.evaluate(FETCH, f"/sensor-data/aggregated?interval={window}")
    assert answer["totalCount"] in {8, 9, 28, 29}
    samples, average = (page.locator("dl > div").nth(index) for index in (0, 1))
    await expect(samples.locator("dd").first).to_have_text(f"{answer['totalCount']:,}")
    await expect(average.locator("dd").first).to_have_text(f"{answer['average']:,.6g}")
    await expect(samples).to_contain_text("against the period before")


async def test_what_needs_attention_comes_first_and_says_since_when(page: Page, pool: Pool) -> None:
    now = datetime.now(UTC)
    ages = {"on-time": 30, "late": 300, "silent": 7_200, "unexpected": 90_000}
    await insert(pool, *((name, now - timedelta(seconds=age), 1) for name, age in ages.items()))
    for name in ("on-time", "late", "silent"):
        await describe(pool, name, expected_period_seconds=60, unit="bar")
    await page.goto("/ui")
    await sign_in(page)
    rows = table_of(page).locator("tr.row")
    await expect(rows).to_have_count(4)
    words = [
        "silent 1 bar Silent 2 hours ago",
        "late 1 bar Late 5 minutes ago",
        "on-time 1 bar On time",
        "unexpected 1 1 day ago",
    ]
    for row, expected in zip(await rows.all(), words, strict=True):
        assert " ".join((await row.inner_text()).split()).startswith(expected)


async def test_equipment_is_searched_by_id_name_and_location(page: Page, pool: Pool) -> None:
    await insert(pool, *((f"pump-{number}", this_hour(), number) for number in range(1, 4)))
    await describe(pool, "pump-2", name="Feed pump", location="Hall 7")
    await page.goto("/ui")
    await sign_in(page)
    search = page.get_by_role("searchbox")
    for words, shown in (("hall FEED", "1 of 3"), ("pump-3", "1 of 3"), ("nothing", "0 of 3")):
        await search.fill(words)
        await expect(page.get_by_text(shown, exact=True)).to_be_visible()
    await search.fill("feed")
    await expect(table_of(page).locator("tr.row")).to_have_count(1)
    assert (await ids_of(page))[0].split() == ["Feed", "pump", "pump-2"]


async def test_a_long_table_is_scrolled_while_a_few_rows_are_drawn(page: Page, pool: Pool) -> None:
    await pool.execute(
        """
        INSERT INTO readings (equipment_id, ts, value)
        SELECT 'sensor-' || lpad(number::text, 5, '0'), date_trunc('hour', now()), 1
        FROM generate_series(0, $1::int - 1) AS number
        """,
        MANY,
    )
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_text(f"{MANY:,}", exact=True).last).to_be_visible(timeout=30_000)
    region = table_of(page)
    await expect(region.locator("tr.row").first).to_contain_text("sensor-00000")
    assert await region.locator("tr.row").count() <= DRAWN_AT_MOST
    await region.focus()
    await page.keyboard.press("End")
    await expect(region.locator("tr.row").last).to_contain_text(f"sensor-{MANY - 1:05}")
    await expect(region.locator("tr.row").last).to_have_attribute("aria-rowindex", f"{MANY + 1}")
    assert await region.locator("tr.row").count() <= DRAWN_AT_MOST


async def test_a_first_start_says_how_to_send_a_reading(page: Page) -> None:
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="No readings yet")).to_be_visible()
    await expect(page.locator("pre")).to_contain_text("/sensor-data -d")
