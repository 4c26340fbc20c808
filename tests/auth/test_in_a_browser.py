"""The same flows as a user sees them, in a real browser."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.auth.chromium import chromium, needs_chromium, new_window
from tests.auth.servers import ApiServer
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import TEST_USER

pytestmark = needs_chromium

POST = "async (path) => { const r = await fetch(path, {method: 'POST'}); return await r.json(); }"
STATUS = "async (path) => (await fetch(path)).status"


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture
async def page(browser: Browser, store: StoredSessions) -> AsyncIterator[Page]:
    del store
    async with new_window(browser) as page:
        yield page


async def log_in(page: Page, *, mistyped: bool = False) -> None:
    username, password = TEST_USER
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill("wrong" if mistyped else password)
    await page.get_by_role("button", name="Sign in").click()


async def sign_in(page: Page, url: str) -> None:
    await page.goto(url)
    await log_in(page)
    await page.get_by_role("button", name="Allow").click()


async def test_opening_the_reference_signs_in_asks_for_consent_and_shows_it(
    page: Page, api_server: ApiServer
) -> None:
    await page.goto(f"{api_server.url}/docs")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await log_in(page)
    await expect(page.get_by_role("heading", name="Allow Sensor Flow?")).to_be_visible()
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{api_server.url}/docs")
    await expect(page.get_by_text("/auth/me")).to_be_visible()
    assert await page.evaluate(STATUS, "/auth/me") == 200


async def test_scripts_see_no_cookie_and_the_page_no_token(
    page: Page, api_server: ApiServer
) -> None:
    await sign_in(page, f"{api_server.url}/auth/login")
    await page.wait_for_url(f"{api_server.url}/docs")
    assert await page.evaluate("document.cookie") == ""
    (cookie,) = [
        cookie for cookie in await page.context.cookies() if cookie.get("name") == "Authentication"
    ]
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Lax")
    assert "eyJ" not in page.url + str(cookie.get("value"))


async def test_a_wrong_password_is_reported_and_can_be_corrected(
    page: Page, api_server: ApiServer
) -> None:
    await page.goto(f"{api_server.url}/auth/login")
    await log_in(page, mistyped=True)
    await expect(page.get_by_role("alert")).to_have_text("Wrong username or password.")
    await log_in(page)
    await expect(page.get_by_role("heading", name="Allow Sensor Flow?")).to_be_visible()


async def test_denying_consent_signs_nobody_in_and_may_be_retried(
    page: Page, api_server: ApiServer
) -> None:
    await page.goto(f"{api_server.url}/auth/login")
    await log_in(page)
    await page.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    assert "Authentication" not in {cookie.get("name") for cookie in await page.context.cookies()}
    await page.get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Allow Sensor Flow?")).to_be_visible()


async def test_going_back_to_the_callback_is_refused_by_a_page(
    page: Page, api_server: ApiServer
) -> None:
    callbacks: list[str] = []
    page.on("request", lambda request: callbacks.append(request.url))
    await sign_in(page, f"{api_server.url}/auth/login")
    await page.wait_for_url(f"{api_server.url}/docs")
    (callback,) = [url for url in callbacks if "/auth/callback" in url]
    response = await page.goto(callback)
    assert response
    assert response.status == 400
    await expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()


async def test_an_expired_session_leads_to_the_sign_in_again(
    page: Page, api_server: ApiServer, store: StoredSessions
) -> None:
    await sign_in(page, f"{api_server.url}/auth/login")
    await page.wait_for_url(f"{api_server.url}/docs")
    await store.advance_idle_time(api_server.settings.session.idle_lifetime.total_seconds() + 1)
    assert await page.evaluate(STATUS, "/auth/me") == 401
    await page.goto(f"{api_server.url}/docs")  # the provider still knows the user
    await page.wait_for_url(f"{api_server.url}/docs")
    assert await page.evaluate(STATUS, "/auth/me") == 200


async def test_after_signing_out_here_and_at_the_provider_the_password_is_required(
    page: Page, api_server: ApiServer
) -> None:
    await sign_in(page, f"{api_server.url}/auth/login")
    await page.wait_for_url(f"{api_server.url}/docs")
    body = await page.evaluate(POST, "/auth/logout")
    assert body["message"] == "Logout successful"
    assert await page.evaluate(STATUS, "/auth/me") == 401
    await page.goto(body["endSessionUrl"])
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{api_server.url}/ui")
    await page.goto(f"{api_server.url}/docs")
    await expect(page.get_by_label("Username")).to_be_visible()


async def test_a_foreign_page_cannot_write_with_the_session(
    page: Page, api_server: ApiServer
) -> None:
    """localhost is another site than 127.0.0.1, and another origin too."""
    await sign_in(page, f"{api_server.url}/auth/login")
    await page.wait_for_url(f"{api_server.url}/docs")
    foreign = api_server.url.replace("127.0.0.1", "localhost")
    await page.goto(f"{foreign}/health/live")
    await page.set_content(f'<form method="post" action="{api_server.url}/auth/logout"></form>')
    async with page.expect_navigation():
        await page.evaluate("document.forms[0].submit()")
    await page.goto(f"{api_server.url}/")
    assert await page.evaluate(STATUS, "/auth/me") == 200
