"""What holds on every page: it can be used by the keyboard alone, and says where one is."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from core.database import Pool
from tests.auth.chromium import needs_chromium
from tests.auth.servers import ApiServer
from tests.auth.user_agent import RADIX
from tests.dashboard.pages import dashboard_page, sign_in
from tests.dashboard.test_every_look import store_imports, store_troubles, store_two_days

pytestmark = needs_chromium

# Of each page its address and its heading.
PAGES = {
    "/ui": "Fleet",
    "/ui/equipment/pump-1?with=hall-7%2Froof": "Feed pump",
    "/ui/equipment/none": "none",
    "/ui/imports": "Imports",
    "/ui/imports/{import_id}": "boiler house done.csv",
    "/ui/system": "System",
    "/ui/imports/00000000-0000-4000-8000-000000000000": "Import",
    "/ui/nowhere": "There is no such page",
}

TABBABLE = """() => [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex='0']"
)].filter((element) => {
    if (element.disabled || element.tabIndex < 0 || !element.checkVisibility()) return false;
    if (element.type !== "radio") return true;
    const checked = document.querySelector(`input[name="${element.name}"]:checked`);
    return checked === null || checked === element;
}).length"""

FOCUSED = """() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const marked = [element, ...(element.closest("label")?.querySelectorAll("*") ?? [])];
    const hasOutline = ({ outlineStyle, outlineWidth }) =>
        outlineStyle !== "none" && outlineWidth !== "0px";
    const { left, top, width, height } = (element.closest("label") ?? element)
        .getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + Math.min(height / 2, 20));
    const names = [element.ariaLabel, element.innerText, element.title,
        element.getAttribute("aria-labelledby"), ...[...element.labels ?? []].map((label) =>
            label.innerText)];
    return {
        html: element.outerHTML.slice(0, 150),
        unmarked: !marked.some((each) => hasOutline(getComputedStyle(each))),
        unseen: hit === null || !(element.closest("label") ?? element).contains(hit) &&
            !hit.contains(element),
        unnamed: !names.some((name) => name?.trim()),
        order: [...document.querySelectorAll("*")].indexOf(element),
    };
}"""

HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]))"""

MOVING = """() => [...document.querySelectorAll("*")].filter((element) =>
    ["", "::before", "::after"].some((part) => {
        const style = getComputedStyle(element, part || null);
        const moves = (list) => list.split(", ").some((each) => parseFloat(each) > 0.001);
        return moves(style.transitionDuration) ||
            (style.animationName !== "none" && moves(style.animationDuration));
    })
).map((element) => element.outerHTML.slice(0, 150))"""


async def walked(page: Page) -> list[dict[str, Any]]:
    """Every element that Tab leads to, from the beginning of the page to its end."""
    await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    found: list[dict[str, Any]] = []
    while True:
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        if focused is None or (found and focused["order"] == found[0]["order"]):
            return found
        found.append(focused)
        assert len(found) < 500


async def keyboard_faults(page: Page) -> AsyncIterator[str]:
    found = await walked(page)
    orders = [each["order"] for each in found]
    if orders != sorted(orders):
        yield "Tab goes to and fro"
    for each in found:
        for fault in ("unmarked", "unseen", "unnamed"):
            if each[fault]:
                yield f"{fault} when it has the focus: {each['html']}"
    tabbable = await page.evaluate(TABBABLE)
    if len(found) != tabbable:
        yield f"Tab reaches {len(found)} of {tabbable}"


async def heading_faults(page: Page) -> AsyncIterator[str]:
    levels = await page.evaluate(HEADINGS)
    steps = [after - before for before, after in pairwise(levels)]
    if levels[:1] != [1] or levels.count(1) > 1 or max(steps, default=0) > 1:
        yield f"headings of the levels {levels}"


async def faults(page: Page) -> list[str]:
    """What is wrong with the page for who uses no mouse, sees no screen, or wants no motion."""
    moving = await page.evaluate(MOVING)
    return [
        *[fault async for fault in keyboard_faults(page)],
        *[fault async for fault in heading_faults(page)],
        *[f"moves although nothing should: {html}" for html in moving],
    ]


async def test_every_page_is_walked_by_keyboard_and_says_where_one_is(
    browser: Browser, dashboard: ApiServer, pool: Pool
) -> None:
    await store_two_days(pool)
    import_id = await store_imports(pool, Path(dashboard.settings.storage.url))
    await store_troubles(pool)
    found: dict[str, list[str]] = {}
    async with dashboard_page(browser, dashboard.url, reduced_motion="reduce") as page:
        await page.goto("/ui")
        await expect(page.get_by_text("Accounts of this demo")).to_be_visible()
        found["sign-in"] = await faults(page)
        await sign_in(page, user=RADIX)
        await expect(page.get_by_role("banner")).to_be_visible()
        for path, heading in PAGES.items():
            await page.goto(path.format(import_id=import_id))
            await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            await expect(page.get_by_text("Loading…").filter(visible=True)).to_have_count(0)
            await expect(page).to_have_title(f"{heading} · Sensor Flow")
            await expect(page.locator("html")).to_have_attribute("lang", "en")
            found[path] = await faults(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


async def test_a_link_leads_the_keyboard_into_the_page_and_the_first_tab_past_the_links(
    page: Page,
) -> None:
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await page.get_by_role("link", name="Imports").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await page.reload()
    await expect(page.get_by_role("heading", name="Imports")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await expect(page).to_have_url(re.compile("/ui/imports$"))
