"""What is said of equipment, edited in place by those who may."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from core.database import Pool
from tests.api.stored import insert, this_hour
from tests.auth.chromium import needs_chromium
from tests.auth.user_agent import RADIX
from tests.dashboard.pages import accessibility_faults, sign_in

pytestmark = needs_chromium

EQUIPMENT_ID = "hall/4 é"
PAGE = "/ui/equipment/hall%2F4%20%C3%A9"
PATCH = """async (name) => (await fetch('/equipment/hall%2F4%20%C3%A9', {
    method: 'PATCH', headers: {'Content-Type': 'application/merge-patch+json'},
    body: JSON.stringify({name}),
})).status"""


async def stored(pool: Pool) -> dict[str, Any]:
    row = await pool.fetchrow(
        "SELECT name, unit, location, zone, expected_period_seconds FROM equipment WHERE id = $1",
        EQUIPMENT_ID,
    )
    return dict(row) if row else {}


async def edit(page: Page, field: str) -> Locator:
    """The field's input, which has the focus."""
    await page.get_by_role("button", name=f"Edit: {field}").click()
    entry = (
        page.get_by_role("textbox").or_(page.get_by_role("combobox")).and_(page.locator(":focus"))
    )
    await expect(entry).to_be_visible()
    return entry


async def enter(page: Page, field: str, text: str) -> None:
    entry = await edit(page, field)
    await entry.fill(text)
    await entry.press("Enter")
    await expect(page.get_by_role("button", name=f"Edit: {field}")).to_be_focused()


async def test_an_administrator_edits_each_field_by_the_keyboard(page: Page, pool: Pool) -> None:
    await insert(pool, (EQUIPMENT_ID, this_hour(), 1))
    await page.goto(PAGE)
    await sign_in(page, user=RADIX)
    await enter(page, "Name", "  Feed pump ")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Feed pump")
    await enter(page, "Unit", "°C")
    await enter(page, "Location", "Hall 4")
    await enter(page, "Time zone", "america/sao_paulo")
    entry = await edit(page, "Expected period")
    await entry.fill("1.5")
    await page.get_by_label("Unit of time").select_option("hour")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("every 90 minutes")).to_be_visible()
    assert await stored(pool) == {
        "name": "Feed pump",
        "unit": "°C",
        "location": "Hall 4",
        "zone": "America/Sao_Paulo",
        "expected_period_seconds": 5400,
    }
    await enter(page, "Location", " ")
    assert (await stored(pool))["location"] is None


async def test_what_cannot_be_stored_is_said_at_the_field_and_stays_there(
    page: Page, pool: Pool
) -> None:
    await insert(pool, (EQUIPMENT_ID, this_hour(), 1))
    await page.goto(PAGE)
    await sign_in(page, user=RADIX)
    for field, text, message in (
        ("Expected period", "soon", "Enter a number."),
        ("Expected period", "0", "From a thousandth of a second to 366 days."),
        ("Unit", "x" * 51, "At most 50 characters."),
        ("Name", "damaged \ufffd", "name must"),
        ("Time zone", "Mars/Base", "zone must be the name of a time zone"),
    ):
        entry = await edit(page, field)
        await entry.fill(text)
        await entry.press("Enter")
        await expect(entry).to_have_attribute("aria-invalid", "true")
        await expect(entry).to_have_accessible_description(re.compile(re.escape(message)))
        await expect(entry).to_have_value(text)
        await entry.press("Escape")
        await expect(page.get_by_role("button", name=f"Edit: {field}")).to_be_focused()
    assert await stored(pool) == {}
    await (await edit(page, "Unit")).fill("x" * 51)
    await page.keyboard.press("Enter")
    assert await accessibility_faults(page) == []


async def test_what_somebody_else_changed_meanwhile_is_shown_before_it_is_replaced(
    page: Page, pool: Pool
) -> None:
    await insert(pool, (EQUIPMENT_ID, this_hour(), 1))
    await page.goto(PAGE)
    await sign_in(page, user=RADIX)
    entry = await edit(page, "Name")
    await entry.fill("Mine")
    assert await page.evaluate(PATCH, "Theirs") == 200
    await entry.press("Enter")
    await expect(page.get_by_text("Somebody has changed this to “Theirs”")).to_be_visible()
    assert (await stored(pool))["name"] == "Theirs"
    await entry.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Mine")
    assert (await stored(pool))["name"] == "Mine"


async def test_others_read_it_and_may_not_change_it(page: Page, pool: Pool) -> None:
    await insert(pool, (EQUIPMENT_ID, this_hour(), 1))
    await pool.execute("INSERT INTO equipment (id, unit) VALUES ($1, 'bar')", EQUIPMENT_ID)
    await page.goto(PAGE)
    await sign_in(page)
    section = page.locator("section", has_text="About this equipment")
    await expect(section).to_contain_text("bar")
    await expect(section.get_by_role("button")).to_have_count(0)
    assert await page.evaluate(PATCH, "Theirs") == 403
