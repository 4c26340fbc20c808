"""The fleet as a user sees it: its numbers are the API's, and a long table stays light.

SENSORFLOW_TEST_EQUIPMENT=10000 makes it that long; the embedded engine is too slow for so many.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Locator, Page, Route, expect

from core.database import Pool
from tests.api.stored import insert, refresh, this_hour
from tests.auth.chromium import needs_chromium
from tests.auth.servers import ApiServer
from tests.dashboard.pages import sign_in
from tests.dashboard.workers import worker_of

pytestmark = needs_chromium

FETCH = "async (path) => await (await fetch(path)).json()"
SEND = """
async (reading) => {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify(reading);
  return (await fetch("/sensor-data", { method: "POST", headers, body })).status;
}
"""
MANY = int(os.environ.get("SENSORFLOW_TEST_EQUIPMENT", "1500"))
DRAWN_AT_MOST = 60
SORTED = ["pump-1", "Feed pump pump-9", "pump-10"]
TREND_OF = re.compile(r"equipmentId=([^&]+)")


def table_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Equipment")


async def shows(page: Page, *names: str) -> None:
    """The table has this equipment, in this order."""
    await expect(table_of(page).locator("tbody th")).to_have_text(list(names))


async def describe(pool: Pool, equipment_id: str, **fields: str | float) -> None:
    columns = ", ".join(("id", *fields))
    values = ", ".join(f"${number}" for number in range(1, len(fields) + 2))
    statement = f"INSERT INTO equipment ({columns}) VALUES ({values})"
    await pool.execute(statement, equipment_id, *fields.values())


async def shows_sums_of(page: Page, parameters: str) -> dict[str, Any]:
    """The API's answer, once its total and average stand on the page."""
    answer: dict[str, Any] = await page.evaluate(FETCH, f"/sensor-data/aggregated?{parameters}")
    samples, average = (page.locator("dl > div").nth(index) for index in (0, 1))
    await expect(samples.locator("dd").first).to_have_text(f"{answer['totalCount']:,}")
    await expect(average.locator("dd").first).to_have_text(f"{answer['average']:,.6g}")
    return answer


async def test_the_numbers_of_windows_and_ranges_are_those_of_the_api(
    page: Page, pool: Pool
) -> None:
    rows = [("a", this_hour() - timedelta(hours=6 * step), 1000.0 + step) for step in range(60)]
    await insert(pool, *rows)
    await page.goto("/ui")
    await sign_in(page)
    for label, window, counts in (("48 hours", "48h", {8, 9}), ("Week", "1w", {28, 29})):
        await page.get_by_text(label, exact=True).click()
        await expect(page).to_have_url(re.compile(f"window={window}$"))
        samples = (await shows_sums_of(page, f"interval={window}"))["totalCount"]
        assert samples in counts
        await expect(page.locator("dl")).to_contain_text("against the period before")
        await expect(row_of(page, "a").locator("td.number")).to_have_text(
            ["1,000", f"{samples}", "60"]
        )
    await page.get_by_text("Custom", exact=True).click()
    start, end = rows[20][1], rows[10][1]
    await page.get_by_label("From", exact=True).fill(by_the_clock(end))
    await page.get_by_label("To", exact=True).fill(by_the_clock(start))
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("alert")).to_have_text("The end must be later than the start.")
    await page.get_by_label("From", exact=True).fill(by_the_clock(start))
    await page.get_by_label("To", exact=True).fill(by_the_clock(end))
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url(re.compile("from=.*&to="))
    chosen = urlencode({"from": start.isoformat(), "to": end.isoformat()})
    assert (await shows_sums_of(page, chosen))["totalCount"] == 10
    await page.reload()
    await expect(page.get_by_role("radio", name="Custom")).to_be_checked()
    await shows_sums_of(page, chosen)
    await expect(page.get_by_label("From", exact=True)).to_have_value(by_the_clock(start))
    await expect(row_of(page, "a").get_by_role("link")).to_have_attribute(
        "href", re.compile(r"^/ui/equipment/a\?from=")
    )
    line = page.get_by_role("slider")
    await line.focus()
    await page.keyboard.press("Home")
    await expect(line).to_have_attribute("aria-valuetext", re.compile("on average.* samples: 1$"))
    await page.keyboard.press("+")
    zoomed = re.escape(urlencode({"to": f"{end:%Y-%m-%dT%H:%M}"}))
    await expect(page).not_to_have_url(re.compile(zoomed))


def by_the_clock(moment: datetime) -> str:
    """As somebody enters it in the browser's zone, which is that of this machine."""
    return f"{moment.astimezone():%Y-%m-%dT%H:%M}"


def row_of(page: Page, text: str) -> Locator:
    return table_of(page).locator("tr.row", has_text=text)


async def test_what_needs_attention_comes_first_and_says_why(page: Page, pool: Pool) -> None:
    now = datetime.now(UTC)
    ages = {"on-time": 30, "late": 300, "silent": 7_200, "unexpected": 90_000, "warm": 40}
    await insert(pool, *((name, now - timedelta(seconds=age), 31) for name, age in ages.items()))
    for name in ("on-time", "late", "silent"):
        await describe(pool, name, expected_period_seconds=60, unit="bar")
    days = [this_hour().replace(hour=0) - timedelta(days=day) for day in range(1, 9)]
    await insert(
        pool, *(("warm", day + timedelta(hours=hour), hour) for day in days for hour in (8, 9))
    )
    await refresh(pool, days[-1], days[0] + timedelta(days=1))
    await refresh(pool, days[-1], days[0] + timedelta(days=1), "readings_1d")
    await page.goto("/ui")
    await sign_in(page)
    rows = table_of(page).locator("tr.row")
    words = [
        "silent 31 bar Silent 2 hours ago expected every 1 min",
        "late 31 bar Late 5 minutes ago expected every 1 min",
        "warm 31 ▲ High, usually 8 to 9",
        "on-time 31 bar On time",
        "unexpected 31 1 day ago",
    ]
    await expect(rows).to_have_count(len(words))
    for row, expected in zip(await rows.all(), words, strict=True):
        assert " ".join((await row.inner_text()).split()).startswith(expected)
    await page.get_by_role("button", name="Out of usual range 1").click()
    await shows(page, "warm")
    await page.get_by_role("button", name="Needs attention 3").click()
    await shows(page, "silent", "late", "warm")


async def test_equipment_is_searched_filtered_and_sorted_and_a_link_keeps_it(
    page: Page, pool: Pool
) -> None:
    await insert(pool, *((f"pump-{number}", this_hour(), number) for number in (10, 9, 1)))
    await describe(pool, "pump-9", name="Feed pump", location="Hall 7")
    await describe(pool, "pump-1", location="Hall 10")
    await page.goto("/ui")
    await sign_in(page)
    search = page.get_by_role("searchbox")
    for words, shown in (("hall FEED", "1 of 3"), ("pump-10", "1 of 3"), ("nothing", "0 of 3")):
        await search.fill(words)
        await expect(page.get_by_text(shown, exact=True)).to_be_visible()
    await page.get_by_role("button", name="Show all equipment").click()
    await expect(search).to_have_value("")
    value = page.get_by_role("columnheader", name="Last value")
    for order, ids in (("ascending", SORTED), ("descending", SORTED[::-1])):
        await value.get_by_role("button").click()
        await expect(value).to_have_attribute("aria-sort", order)
        await shows(page, *ids)
    places = page.get_by_label("Location", exact=True)
    options = await places.get_by_role("option").all_inner_texts()
    assert options == ["All locations", "No location (1)", "Hall 7 (1)", "Hall 10 (1)"]
    await places.select_option("Hall 7 (1)")
    await page.reload()
    await expect(places.locator("option:checked")).to_have_text("Hall 7 (1)")
    await expect(value).to_have_attribute("aria-sort", "descending")
    await shows(page, "Feed pump pump-9")


async def test_a_long_table_is_scrolled_while_a_few_rows_are_drawn(page: Page, pool: Pool) -> None:
    await pool.execute(
        """
        INSERT INTO readings (equipment_id, ts, value)
        SELECT 'sensor-' || lpad(number::text, 5, '0'), date_trunc('hour', now()), 1
        FROM generate_series(0, $1::int - 1) AS number
        """,
        MANY,
    )
    requested: list[str] = []
    page.on("request", lambda request: requested.extend(TREND_OF.findall(request.url)))
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_text(f"{MANY:,}", exact=True).last).to_be_visible(timeout=30_000)
    region = table_of(page)
    await expect(region.locator("tr.row").first).to_contain_text("sensor-00000")
    assert await region.locator("tr.row").count() <= DRAWN_AT_MOST
    await expect(region.locator("path").first).to_have_attribute("d", re.compile("^M"))
    await region.focus()
    await page.keyboard.press("End")
    await expect(region.locator("tr.row").last).to_contain_text(f"sensor-{MANY - 1:05}")
    await expect(region.locator("tr.row").last).to_have_attribute("aria-rowindex", f"{MANY + 1}")
    assert await region.locator("tr.row").count() <= DRAWN_AT_MOST
    await expect(region.locator("tr.row").last.locator("path")).to_have_count(1)
    assert requested[0] == "sensor-00000"
    assert requested[-1] == f"sensor-{MANY - 1:05}"
    assert len(requested) <= DRAWN_AT_MOST


async def test_what_arrives_shows_by_itself(page: Page, pool: Pool) -> None:
    await insert(pool, ("a", this_hour(), 1))
    await page.clock.install()
    await page.goto("/ui")
    await sign_in(page)
    await expect(row_of(page, "a")).to_be_visible()
    reading = {"equipmentId": "b", "timestamp": this_hour().isoformat(), "value": 2}
    assert await page.evaluate(SEND, reading) == 201
    await page.clock.run_for(35_000)
    await expect(row_of(page, "b")).to_be_visible()
    await expect(page.locator("dl dd").first).to_have_text("2")


async def test_a_first_start_offers_a_curl_line_an_upload_and_a_sample(
    page: Page, dashboard: ApiServer
) -> None:
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="No readings yet")).to_be_visible()
    await expect(page.locator("pre")).to_contain_text("/sensor-data -d")
    upload = page.get_by_role("link", name="Upload a file")
    await expect(upload).to_have_attribute("href", "/ui/imports")
    async with worker_of(dashboard):
        await page.get_by_role("button", name="Load the sample").click()
        await expect(table_of(page).locator("tr.row")).to_have_count(3, timeout=60_000)
    await expect(row_of(page, "sample-cold-store")).to_contain_text("High, usually")
    await expect(page.locator("dl")).to_contain_text("against the period before")


async def test_without_the_scope_for_imports_only_the_curl_line_is_offered(page: Page) -> None:
    async def take_away(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(
            response=answer, json=await answer.json() | {"scopes": ["readings:read"]}
        )

    await page.route("**/auth/me", take_away)
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.locator("pre")).to_contain_text("/sensor-data -d")
    await expect(page.get_by_text("imports:write")).to_be_visible()
    await expect(page.get_by_role("button", name="Load the sample")).to_have_count(0)
