"""What a real browser refuses to do with our pages, and that they work all the same."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.auth.chromium import chromium, needs_chromium, new_window
from tests.auth.servers import ApiServer
from tests.auth.stored_sessions import StoredSessions
from tests.auth.test_in_a_browser import sign_in

NO_FAVICON = "Failed to load resource: the server responded with a status of 404 (Not Found)"

pytestmark = [
    needs_chromium,
    pytest.mark.parametrize("session_store", ["postgresql"], indirect=True),
]

INJECT = """
() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "owned"';
    document.head.append(script);
    const button = document.createElement('button');
    button.setAttribute('onclick', 'document.title = "owned"');
    document.body.append(button);
    button.click();
    return document.title;
}
"""
SEND_ELSEWHERE = """
async (url) => {
    try { await fetch(url, {mode: 'no-cors'}); return 'sent'; } catch { return 'refused'; }
}
"""
FRAME = """
async (path) => {
    const frame = document.createElement('iframe');
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
    frame.src = path;
    document.body.append(frame);
    await loaded;
    return frame.contentDocument?.body.textContent ?? null;
}
"""


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture
async def page(browser: Browser, store: StoredSessions) -> AsyncIterator[Page]:
    del store
    async with new_window(browser) as page:
        yield page


@pytest_asyncio.fixture
async def complaints(page: Page) -> list[str]:
    """What the browser complains of, violations of a policy among it."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type} {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


async def test_the_reference_works_without_a_violation_of_its_policy(
    page: Page, api_server: ApiServer, complaints: list[str]
) -> None:
    await sign_in(page, f"{api_server.url}/docs")
    await page.wait_for_url(f"{api_server.url}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    await expect(page.get_by_text("Available authorizations")).to_be_visible()
    await page.get_by_role("button", name="Close").first.click()
    await page.get_by_text("Who is signed in").first.click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.get_by_text('"message": "Authenticated"')).to_be_visible()
    await page.get_by_text("PresignedUpload").first.click()
    assert set(complaints) <= {f"error {NO_FAVICON}"}


async def test_the_page_of_a_failed_sign_in_has_its_style(
    page: Page, api_server: ApiServer, complaints: list[str]
) -> None:
    await page.goto(f"{api_server.url}/auth/callback")
    main = page.get_by_role("main")
    await expect(main).to_have_css("border-radius", "12px")
    await main.evaluate("element => element.setAttribute('style', 'color: rgb(1, 2, 3)')")
    await expect(main).not_to_have_css("color", "rgb(1, 2, 3)")
    assert [complaint for complaint in complaints if "Security Policy" in complaint]


async def test_nothing_that_is_put_into_the_reference_runs_or_reports_elsewhere(
    page: Page, api_server: ApiServer
) -> None:
    await sign_in(page, f"{api_server.url}/docs")
    await page.wait_for_url(f"{api_server.url}/docs")
    assert await page.evaluate(INJECT) == "Sensor Flow"
    elsewhere = api_server.url.replace("127.0.0.1", "localhost")
    assert await page.evaluate(SEND_ELSEWHERE, elsewhere) == "refused"
    assert await page.evaluate(SEND_ELSEWHERE, api_server.url) == "sent"


async def test_no_page_shows_ours_in_a_frame(page: Page, api_server: ApiServer) -> None:
    """Not even one of this server, which would see what is in the frame."""
    await page.goto(f"{api_server.url}/health/live")
    for path in ("/docs", "/auth/me", "/auth/callback", "/", "/ui", "/health/live"):
        assert await page.evaluate(FRAME, path) is None
