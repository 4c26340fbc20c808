"""The page of a piece of equipment: what it draws and says is what the API answers.

The crosshair says in words what is drawn where it is; keys move it from value to value.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from core.database import Pool
from tests.api.stored import insert, refresh
from tests.auth.chromium import needs_chromium
from tests.dashboard.pages import sign_in

pytestmark = needs_chromium

FETCH = "async (path) => await (await fetch(path)).json()"
SEND = """async (reading) => (await fetch('/sensor-data', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(reading),
})).status"""
START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GAP = range(600, 780)
OTHER = "hall/4 é?"
RANGE = "from=2026-03-02T00:00:00.000Z&to=2026-03-04T00:00:00.000Z"


@pytest_asyncio.fixture
async def stored(page: Page, pool: Pool) -> Page:
    """A page, over three days of a reading a minute, three hours without one in the first."""
    minutes = [minute for minute in range(3 * 1440) if minute not in GAP]
    await insert(pool, *(("pump-1", START + n * MINUTE, 20 + n % 60 / 8) for n in minutes))
    await insert(pool, *((OTHER, START + n * MINUTE, 50 + n / 2880) for n in minutes[::10]))
    await refresh(pool, START, START + timedelta(days=3))
    await pool.execute(
        """
        INSERT INTO equipment (id, name, unit, zone)
        VALUES ('pump-1', 'Feed pump', 'bar', 'America/Sao_Paulo')
        """
    )
    return page


async def open_view(page: Page, search: str, equipment_id: str = "pump-1") -> None:
    await page.goto(f"/ui/equipment/{quote(equipment_id, safe='')}?{search}")
    await sign_in(page)


def chart_of(page: Page) -> Locator:
    return page.get_by_role("slider")


async def drag(page: Page, start: float, end: float) -> None:
    """Over the chart, from one part of its width to another."""
    box = await chart_of(page).locator(".u-over").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + start * box["width"], y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + end * box["width"], y, steps=3)
    await page.mouse.up()


async def text_at(page: Page, *keys: str) -> str:
    """What the crosshair says after these keys."""
    for key in keys:
        await chart_of(page).press(key)
    return str(await chart_of(page).get_attribute("aria-valuetext"))


def range_of(page: Page) -> tuple[datetime, datetime]:
    query = parse_qs(urlsplit(page.url).query)
    return datetime.fromisoformat(query["from"][0]), datetime.fromisoformat(query["to"][0])


async def readings_of(page: Page) -> list[dict[str, Any]]:
    """What the API has of the range in the address."""
    start, end = (moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for moment in range_of(page))
    path = f"/sensor-data?equipmentId=pump-1&from={start}&to={end}&limit=10000"
    items: list[dict[str, Any]] = (await page.evaluate(FETCH, path))["items"]
    return items


def number(value: float) -> str:
    return f"{value:,.6g}"


async def test_dragging_zooms_into_finer_buckets_down_to_every_reading_and_back(
    stored: Page,
) -> None:
    page = stored
    await open_view(page, f"{RANGE}&tz=UTC")
    note = page.get_by_text("Averages of 15 minutes each")
    await expect(note).to_be_visible()
    items = (await page.evaluate(FETCH, f"/sensor-data/aggregated?equipmentId=pump-1&{RANGE}"))[
        "items"
    ]
    said = await text_at(page, "Home")
    assert re.match(r"2 Mar 2026, 00:00\W+00:15: Feed pump", said)
    assert said.endswith(f" {number(items[0]['average'])} bar")
    assert number(items[-1]["average"]) in await text_at(page, "End")

    await drag(page, 0.5, 0.75)
    await expect(page.get_by_text("Averages of 5 minutes each")).to_be_visible()
    first = page.url
    assert range_of(page)[1] - range_of(page)[0] <= timedelta(hours=13)
    await drag(page, 0.2, 0.22)
    readings = await readings_of(page)
    await expect(page.get_by_text(f"Every reading: {len(readings)}")).to_be_visible()
    for key, reading in (("Home", readings[0]), ("End", readings[-1])):
        moment = datetime.fromisoformat(reading["timestamp"]).strftime("%H:%M:%S")
        said = f"3 Mar 2026, {moment}: Feed pump {number(reading['value'])} bar"
        assert await text_at(page, key) == said

    await page.go_back()
    await expect(page).to_have_url(first)
    await expect(page.get_by_text("Averages of 5 minutes each")).to_be_visible()
    await page.go_forward()
    await chart_of(page).locator(".u-over").dblclick()
    await expect(note).to_be_visible()
    assert range_of(page) == (START, START + timedelta(days=2))


async def test_what_is_shown_is_moved_by_dragging_with_shift_by_a_wheel_and_by_keys(
    stored: Page,
) -> None:
    page = stored
    await open_view(page, f"{RANGE}&tz=UTC")
    await expect(chart_of(page)).to_be_visible()
    await page.keyboard.down("Shift")
    await drag(page, 0.25, 0.5)
    await page.keyboard.up("Shift")
    quarter = timedelta(hours=12)
    await expect(page).to_have_url(re.compile("from=2026-03-01T12%3A00"))
    assert range_of(page) == (START - quarter, START + 3 * quarter)
    await text_at(page, "Shift+ArrowRight")
    assert range_of(page) == (START, START + 4 * quarter)
    await page.mouse.wheel(200, 0)
    await expect(page).not_to_have_url(re.compile("from=2026-03-02T00%3A00"))
    assert range_of(page)[0] > START
    await text_at(page, "0", "+")
    start, end = range_of(page)
    assert end - start == 2 * quarter
    assert start >= START


async def test_a_link_shows_the_same_lines_times_and_comparison_again(stored: Page) -> None:
    page = stored
    await open_view(page, f"{RANGE}&tz=UTC")
    search = page.get_by_role("combobox", name="Add equipment")
    await search.fill("HALL")
    await page.get_by_role("option", name=OTHER).click()
    lines = page.get_by_role("list", name="Lines of the chart").get_by_role("listitem")
    await expect(lines).to_have_count(2)
    await page.get_by_label("Compare with").select_option("The period before")
    await page.get_by_label("Time zone").select_option("America/Sao_Paulo")
    await page.get_by_label("Resolution").select_option("1 hour")
    await expect(page.get_by_text("Dashed: ")).to_contain_text("27 Feb 2026, 21:00")
    await drag(page, 0.5, 1)
    await expect(page.get_by_text("Dashed: ")).to_contain_text("Dashed: 1 Mar 2026, 21:00")
    link, said = page.url, await text_at(page, "Home")
    assert said.startswith("2 Mar 2026, 21:00")
    before = (await lines.first.inner_text()).split()

    other = await page.context.new_page()
    await other.goto(link)
    assert await text_at(other, "Home") == said
    same = other.get_by_role("list", name="Lines of the chart").get_by_role("listitem")
    assert (await same.first.inner_text()).split() == before
    start, end = (quote(f"{moment.isoformat()}") for moment in range_of(other))
    query = f"equipmentId=pump-1&resolution=1h&compare=previous&from={start}&to={end}"
    answer = await other.evaluate(FETCH, f"/sensor-data/aggregated?{query}&tz=America/Sao_Paulo")
    item = answer["items"][0]
    assert before[-2:] == [number(item["compared"]["average"]), "bar"]
    await same.last.get_by_role("button", name=f"Remove {OTHER}").click()
    await expect(same).to_have_count(1)


async def test_a_gap_is_a_gap_in_buckets_and_among_readings(stored: Page) -> None:
    page = stored
    await open_view(page, "from=2026-03-02T08:00:00.000Z&to=2026-03-02T14:00:00.000Z&tz=UTC")
    await page.get_by_label("Resolution").select_option("1 hour")
    await expect(page.get_by_text("Averages of 1 hour each")).to_be_visible()
    said = [await text_at(page, "Home"), *[await text_at(page, "ArrowRight") for _ in range(5)]]
    assert ["no readings" in text for text in said] == [False, False, True, True, True, False]
    lines = page.get_by_role("list", name="Lines of the chart")
    await text_at(page, "ArrowLeft")
    await expect(lines).to_contain_text(re.compile(r"Feed pump \W\s*$"))


async def test_a_reading_appears_as_soon_as_it_is_stored(page: Page, pool: Pool) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await insert(pool, *(("pump-1", now - n * timedelta(minutes=5), 20) for n in range(1, 30)))
    await open_view(page, "window=24h&tz=UTC")
    await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    await expect(page.get_by_text("Every reading: 29")).to_be_visible()
    reading = {"equipmentId": "pump-1", "timestamp": now.isoformat(), "value": 77.5}
    assert await page.evaluate(SEND, reading) == 201
    await expect(page.get_by_text("Every reading: 30")).to_be_visible()
    assert f"{now:%H:%M:%S}: pump-1 77.5" in await text_at(page, "End")


async def test_unknown_equipment_and_empty_ranges_say_so(stored: Page) -> None:
    page = stored
    await open_view(page, "window=24h", "nothing/here")
    unknown = page.get_by_role("heading", name="There is no equipment nothing/here")
    await expect(unknown).to_be_visible()
    await page.goto("/ui/equipment/pump-1?window=24h&tz=UTC")
    await expect(page.get_by_role("heading", name="No readings in this range")).to_be_visible()
    await page.get_by_role("button", name="Show the last readings").click()
    await expect(page.get_by_text(re.compile("4 Mar 2026, 23:45.*00:00"))).to_be_visible()
