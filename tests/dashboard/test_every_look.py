"""Every page in both languages, light and dark, wide and narrow.

SENSORFLOW_SCREENSHOTS=folder keeps a picture of each (`make screenshots`).
"""

import os
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from core.database import Pool
from tests.api.stored import enter, insert, refresh, this_hour
from tests.auth.chromium import needs_chromium
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer
from tests.auth.user_agent import TEST_USER
from tests.dashboard.pages import accessibility_faults, dashboard_page

pytestmark = needs_chromium

FOLDER = os.environ.get("SENSORFLOW_SCREENSHOTS")
WIDTHS = {"phone": (375, 740), "wide": (1440, 900)}
EVERY_LOOK = list(product(("en-GB", "pt-BR"), ("light", "dark"), WIDTHS))
# Each language with each scheme once, and each width twice.
LOOKS = EVERY_LOOK if FOLDER else [EVERY_LOOK[index] for index in (1, 2, 4, 7)]
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def look_at(page: Page, name: str) -> None:
    """Nothing serious is wrong with the page as it is now, and nothing sticks out of it."""
    if FOLDER:
        await page.screenshot(path=Path(FOLDER) / f"{name}.png", full_page=True)
    assert await accessibility_faults(page) == []
    assert await page.evaluate(TOO_WIDE) <= 0


async def log_in(page: Page, password: str) -> None:
    await page.locator("#username").fill(TEST_USER[0])
    await page.locator("#password").fill(password)
    await page.locator("button.primary").click()


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
async def test_every_page_is_accessible_and_fits(
    browser: Browser, dashboard: ApiServer, pool: Pool, *, locale: str, scheme: str, width: str
) -> None:
    columns, rows = WIDTHS[width]
    look = f"{locale}-{scheme}-{width}"
    viewport = {"width": columns, "height": rows}
    options = {"locale": locale, "color_scheme": scheme, "viewport": viewport}
    async with dashboard_page(browser, dashboard.url, **options) as page:
        await page.goto("/ui")
        await expect(page.locator("section li")).not_to_have_count(0)
        await look_at(page, f"sign-in-{look}")
        await log_in(page, "wrong")
        await expect(page.get_by_role("alert")).to_be_visible()
        await look_at(page, f"wrong-password-{look}")
        await log_in(page, TEST_USER[1])
        await expect(page.locator("pre")).to_be_visible()
        await look_at(page, f"fleet-empty-{look}")
        await store_two_days(pool)
        await page.locator("fieldset label").nth(1).click()
        await page.reload()
        await expect(page.locator("dl")).to_contain_text("113")
        await expect(page.locator("tr.row")).to_have_count(4)
        if width != "phone":
            await expect(page.locator("td path")).to_have_count(4)
        await look_at(page, f"fleet-{look}")
        await page.locator("fieldset label").nth(4).click()
        await page.locator("form input").first.fill("")
        await page.locator("form button").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.locator("fieldset button").nth(4).click()
        await look_at(page, f"fleet-custom-range-{look}")
        await PostgresSessions(pool).clear()
        await page.locator("fieldset label").nth(2).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await look_at(page, f"session-ended-{look}")


async def store_two_days(pool: Pool) -> None:
    hours = [this_hour() - timedelta(hours=hour) for hour in range(48)]
    await insert(pool, *(("pump-1", hour, 1_234.5 + hour.hour) for hour in hours))
    await insert(pool, *(("line-4/boiler", hour, 78.25) for hour in hours[3:]))
    await insert(pool, *(("hall-7/roof", hour, -2.75) for hour in hours[30:]))
    days = [this_hour() - timedelta(days=day) for day in range(3, 12)]
    await insert(pool, *(("hall-7/oven", day, 180.5 + day.day / 8) for day in [*days, hours[1]]))
    await insert(pool, ("hall-7/oven", hours[0], 231.25))
    await refresh(pool, days[-1] - timedelta(days=1), hours[3])
    await refresh(pool, days[-1] - timedelta(days=1), hours[0], "readings_1d")
    await enter(pool, hours[9], hours[6])
    await pool.execute(
        """
        INSERT INTO equipment (id, name, unit, location, expected_period_seconds)
        VALUES ('pump-1', 'Feed pump', 'bar', 'Hall 4', 3600),
               ('line-4/boiler', NULL, '°C', 'Hall 4, line 4', 3600),
               ('hall-7/roof', 'Roof', '°C', 'Hall 7', 3600),
               ('hall-7/oven', 'Oven', '°C', NULL, NULL)
        """
    )
