"""Every page in both languages, light and dark, wide and narrow.

SENSORFLOW_SCREENSHOTS=folder keeps a picture of each (`make screenshots`).
"""

import os
from datetime import timedelta
from itertools import product
from math import sin
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from core.database import Pool
from core.queries import queries
from tests.api.imports.test_imports import new_import, set_state
from tests.api.imports.test_rejects_resubmission import import_with_rejects
from tests.api.stored import enter, insert, refresh, this_hour
from tests.auth.chromium import needs_chromium
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer
from tests.auth.user_agent import RADIX, TEST_USER
from tests.dashboard.pages import accessibility_faults, dashboard_page

pytestmark = needs_chromium

FOLDER = os.environ.get("SENSORFLOW_SCREENSHOTS")
WIDTHS = {"phone": (375, 740), "wide": (1440, 900)}
EVERY_LOOK = list(product(("en-GB", "pt-BR"), ("light", "dark"), WIDTHS))
# Each language with each scheme once, and each width twice.
LOOKS = EVERY_LOOK if FOLDER else [EVERY_LOOK[index] for index in (1, 2, 4, 7)]
PLANT = (
    "Exported by plant 4;;;\nMessstelle;Zeitpunkt;Wert;Bemerkung\n"
    "Kessel 1;01.11.2026 00:00:00;78,25;ok\nKessel 1;01.11.2026 00:10:00;78.5;ok\n"
    "Kessel 1;01.11.2026 00:20;79;ok\nKessel 1;01.11.2026 00:30:00;-9999;\n"
    '"=""0017""";01.11.2026 00:40:00;77,75;Meßfühler getauscht\n'
)
EQUIPMENT_VIEWS = {
    "one": "mixer?window=48h",
    "several": "mixer?window=48h&with=pump-1&with=line-4%2Fboiler&compare=previous",
    "readings": "pump-1?window=48h",
    "empty": "pump-1?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
}
FAULTS = {
    "missing_header": (
        "No line of the first 50 names the columns equipmentId, timestamp and value. "
        "The first line is: pump-1;2026-01-31 12:00;21,5"
    ),
    "bad_compression": "The file is cut off or damaged. Compress it again, or send plain CSV.",
}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def look_at(page: Page, name: str) -> None:
    """Nothing serious is wrong with the page as it is now, and nothing sticks out of it."""
    if FOLDER:
        await page.screenshot(path=Path(FOLDER) / f"{name}.png", full_page=True)
    assert await accessibility_faults(page) == []
    assert await page.evaluate(TOO_WIDE) <= 0


async def log_in(page: Page, password: str, username: str = TEST_USER[0]) -> None:
    await page.locator("#username").fill(username)
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
        await trends_are_drawn(page, width, 4)
        await look_at(page, f"fleet-{look}")
        await page.locator("fieldset label").nth(4).click()
        await page.locator("form input").first.fill("")
        await page.locator("form button").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.locator("fieldset button").nth(4).click()
        await look_at(page, f"fleet-custom-range-{look}")
        await look_at_equipment(page, pool, look)
        await look_at_imports(page, pool, dashboard, look)
        await page.goto("/ui")
        await expect(page.locator("dl")).to_be_visible()
        await trends_are_drawn(page, width, 5)
        await PostgresSessions(pool).clear()
        await page.locator("fieldset label").nth(2).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await look_at(page, f"session-ended-{look}")


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS if FOLDER else LOOKS[1:3])
async def test_the_system_is_accessible_and_fits(
    browser: Browser, dashboard: ApiServer, pool: Pool, *, locale: str, scheme: str, width: str
) -> None:
    columns, rows = WIDTHS[width]
    look = f"{locale}-{scheme}-{width}"
    viewport = {"width": columns, "height": rows}
    options = {"locale": locale, "color_scheme": scheme, "viewport": viewport}
    async with dashboard_page(browser, dashboard.url, **options) as page:
        await page.goto("/ui/system")
        await log_in(page, RADIX[1], RADIX[0])
        await expect(page.locator("li.critical")).to_be_visible()
        await look_at(page, f"system-empty-{look}")
        await store_troubles(pool)
        await page.reload()
        await expect(page.locator("li.warning")).not_to_have_count(0)
        await look_at(page, f"system-{look}")
        await pool.execute("TRUNCATE rollup_dirty_ranges")
        await pool.execute("UPDATE imports SET finished_at = now() - INTERVAL '2 days'")
        await page.reload()
        await expect(page.locator(".well")).to_be_visible()
        await look_at(page, f"system-well-{look}")
        await look_at_editing(page, pool, look)


async def store_troubles(pool: Pool) -> None:
    """A worker, a busy hour, an audit, and what needs attention."""
    await queries().record_worker_heartbeat(pool, id=uuid4())
    await pool.execute(
        """
        INSERT INTO ingest_minutes (minute, readings)
        SELECT
            date_trunc('minute', now()) - make_interval(mins => ago),
            30000 + 9000 * sin(ago / 7.0)
        FROM generate_series(1, 900) AS ago
        """
    )
    await queries().count_audit(pool, wrong_buckets=0, day=this_hour())
    for days in (1, 5):
        start = this_hour() - timedelta(days=days)
        await enter(pool, start, start + timedelta(hours=36))
    await pool.execute("UPDATE rollup_dirty_ranges SET created_at = now() - INTERVAL '20 minutes'")
    for code, message in FAULTS.items():
        await set_state(pool, await new_import(pool), "failed", code)
        update = "UPDATE imports SET error_message = $2 WHERE error_code = $1"
        await pool.execute(update, code, message)


async def look_at_imports(page: Page, pool: Pool, server: ApiServer, look: str) -> None:
    await page.goto("/ui/imports")
    await expect(page.locator(".zone")).to_be_visible()
    await expect(page.locator("p.none")).to_be_visible()
    await look_at(page, f"imports-empty-{look}")
    import_id = await store_imports(pool, Path(server.settings.storage.url))
    await page.reload()
    await expect(page.locator("tbody tr")).to_have_count(6)
    contents = {"plant-4.csv": PLANT.encode(), "notes.ods": b"x", "empty.csv": b""}
    files = [
        FilePayload(name=name, mimeType="", buffer=buffer) for name, buffer in contents.items()
    ]
    await page.locator("input[type=file]").set_input_files(files)
    preview = page.locator("section[aria-labelledby=preview-title]")
    await expect(preview.get_by_role("radio")).to_have_count(2, timeout=20_000)
    await look_at(page, f"import-preview-{look}")
    await preview.get_by_role("radio").first.check()
    await preview.locator("footer .primary").click()
    await expect(page.locator("tbody tr")).to_have_count(7)
    await look_at(page, f"imports-{look}")
    await page.goto(f"/ui/imports/{import_id}")
    await page.locator("tr.row input").nth(1).fill("line-4/boiler;2026-11-20 10:00:00;78.25")
    await look_at(page, f"import-{look}")
    for state in ("loading", "failed"):
        found = await pool.fetchval("SELECT id FROM imports WHERE state = $1", state)
        await page.goto(f"/ui/imports/{found}")
        await expect(page.locator(".sum")).to_be_visible()
        await look_at(page, f"import-{state}-{look}")


async def store_imports(pool: Pool, storage: Path) -> UUID:
    """One of each state; the id of one that is done, with rejects."""
    for age, state in enumerate(("queued", "loading", "aggregating", "failed", "cancelled")):
        error = "missing_header" if state == "failed" else None
        await set_state(pool, await new_import(pool, age * 700), state, error)
    import_id = await import_with_rejects(pool, storage)
    await pool.execute(
        """
        UPDATE imports SET
            file_name = 'boiler house ' || state || '.csv', size_bytes = 18274611,
            rows_read = 400012, rows_inserted = 398004, rows_replaced = 1203, rows_unchanged = 790,
            rows_rejected = 12, rows_skipped = 3, bytes_done = 11000000, bytes_total = 18274611,
            loading_since = now() - interval '9 s', progress_at = now(),
            options = '{"decimal": ",", "timeZone": "America/Sao_Paulo", "nullValues": ["-9999"]}',
            warnings = '[{"code": "sentinel_value", "count": 7, "lines": [12, 40, 41]}]'
        """
    )
    await pool.execute(
        """
        UPDATE imports SET
            error_message = 'No line names the columns equipmentId, timestamp, value: '
            'the first line is ''Messstelle;Zeitpunkt;Wert''. Set columns.',
            finished_at = now(), rows_read = 0, rows_inserted = 0, rows_replaced = 0,
            rows_unchanged = 0, rows_rejected = 0, rows_skipped = 0
        WHERE state = 'failed'
        """
    )
    return import_id


async def trends_are_drawn(page: Page, width: str, equipment: int) -> None:
    """Nothing is requested any more; a phone has no room for trends."""
    await expect(page.locator("tr.row")).to_have_count(equipment)
    await expect(page.locator("td path")).to_have_count(0 if width == "phone" else equipment)


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


async def look_at_equipment(page: Page, pool: Pool, look: str) -> None:
    await store_minutes(pool)
    for name, view in EQUIPMENT_VIEWS.items():
        await page.goto(f"/ui/equipment/{view}")
        await expect(page.get_by_role("figure")).to_be_visible()
        await look_at(page, f"equipment-{name}-{look}")


async def look_at_editing(page: Page, pool: Pool, look: str) -> None:
    """What an administrator sees who has entered what cannot be stored."""
    await insert(pool, ("mixer", this_hour(), 61.5))
    await page.goto("/ui/equipment/mixer")
    await page.locator("dl button").last.click()
    await page.locator("form input:focus").fill("?")
    await page.keyboard.press("Enter")
    await expect(page.locator("[aria-invalid=true]")).to_be_visible()
    await look_at(page, f"equipment-editing-{look}")


async def store_minutes(pool: Pool) -> None:
    """Two days of a reading every two minutes, with a gap of three hours."""
    now = this_hour()
    steps = [step for step in range(2 * 48 * 30) if not 300 <= step < 390]
    rows = [
        ("mixer", now - timedelta(minutes=2 * step), 61.5 + 8 * sin(step / 95) + sin(step * step))
        for step in steps
    ]
    await insert(pool, *rows)
    await refresh(pool, now - timedelta(days=5), now)
    await pool.execute(
        """
        INSERT INTO equipment (id, name, unit, location, zone, expected_period_seconds)
        VALUES ('mixer', 'Mixer drum', '°C', 'Hall 4', 'America/Sao_Paulo', 120)
        """
    )
