"""Pages of the dashboard in a browser, and what is asked of every one of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page

from tests.auth.user_agent import TEST_USER
from tests.dashboard.api_types import WEB

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
BLAMED = {"serious", "critical"}


@asynccontextmanager
async def dashboard_page(browser: Browser, url: str, **context: Any) -> AsyncIterator[Page]:
    """A page that shares nothing with any other; afterwards nothing was refused, nothing broke."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser itself reports a refused request, which is what many tests are about.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    opened = await browser.new_context(base_url=url, **{"locale": "en-GB"} | context)
    try:
        page = await opened.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    finally:
        await opened.close()
    assert complaints == []


async def sign_in(
    page: Page, *, user: tuple[str, str] = TEST_USER, password: str | None = None
) -> None:
    """Fill in the form, by default with the user's own password, and send it."""
    await page.get_by_label("User name").fill(user[0])
    await page.get_by_label("Password").fill(user[1] if password is None else password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def accessibility_faults(page: Page) -> list[str]:
    """What axe finds that is serious or worse."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found["violations"]
        if violation["impact"] in BLAMED
        for node in violation["nodes"]
    ]
