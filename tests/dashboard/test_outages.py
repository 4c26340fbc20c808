"""What a user sees while the server, its database or the identity provider is away, and after."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from core.database import Pool
from core.queries import queries
from embedded.identity import IdentityProvider
from tests.api.stored import HOUR, insert, this_hour
from tests.auth.chromium import needs_chromium
from tests.auth.servers import ApiServer, running_server
from tests.dashboard.pages import dashboard_page, sign_in
from tests.support.ports import free_port

pytestmark = needs_chromium

UNAVAILABLE = {"code": "database_unavailable", "detail": "The database does not answer."}


def samples(page: Page) -> Locator:
    return page.locator("dl dd").first


async def test_a_server_that_is_away_is_said_and_the_page_goes_on_when_it_is_back(
    browser: Browser, dashboard: ApiServer, pool: Pool, tmp_path: Path
) -> None:
    """Nobody touches the page; its clock is put forward to where it looks by itself."""
    await insert(pool, ("a", this_hour(), 1))
    port, issuer = free_port(), dashboard.settings.auth.issuer
    database_url = dashboard.settings.database.url.get_secret_value()
    async with dashboard_page(browser, f"http://127.0.0.1:{port}") as page:
        await page.clock.install()
        async with running_server(database_url, issuer, port, tmp_path):
            await page.goto("/ui")
            await sign_in(page)
            await expect(samples(page)).to_have_text("1")
            await page.evaluate("document.body.dataset.kept = 'yes'")
        await page.clock.fast_forward(11_000)
        banner = page.get_by_role("alert")
        await expect(banner).to_contain_text("The server does not answer. What you see is of")
        await expect(samples(page)).to_have_text("1")
        await insert(pool, ("b", this_hour(), 1))
        await queries().note_changed_range(pool, start=this_hour(), stop=this_hour() + HOUR)
        async with running_server(database_url, issuer, port, tmp_path):
            await page.clock.fast_forward(16_000)
            await expect(banner).to_be_hidden()
            await expect(samples(page)).to_have_text("2")
            assert await page.evaluate("document.body.dataset.kept") == "yes"


async def test_what_was_asked_for_meanwhile_is_answered_and_can_be_asked_for_at_once(
    page: Page,
) -> None:
    async def lose(route: Route) -> None:
        await route.abort("connectionrefused")

    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_text("As of")).to_be_visible()
    await page.route("**/sensor-data/**", lose)
    await page.get_by_text("Month").click()
    await expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    await page.unroute("**/sensor-data/**")
    async with page.expect_response("**/sensor-data/aggregated?interval=1m*") as answer:
        await page.get_by_role("button", name="Try again").click()
    assert (await answer.value).status == 200
    await expect(page.get_by_role("alert")).to_be_hidden()


async def test_a_database_that_is_away_is_said_until_it_is_back(page: Page) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json=UNAVAILABLE, headers={"Retry-After": "1"})

    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_text("As of")).to_be_visible()
    await page.route("**/sensor-data/**", refuse)
    await page.get_by_text("Week").click()
    await expect(page.get_by_role("alert")).to_contain_text("The database does not answer.")
    await page.unroute("**/sensor-data/**")
    await expect(page.get_by_role("alert")).to_be_hidden()


async def test_a_provider_that_is_away_is_said_and_signs_in_when_it_is_back(
    browser: Browser,
    dashboard: ApiServer,
    pool: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del pool
    database_url = dashboard.settings.database.url.get_secret_value()
    monkeypatch.setattr("api.auth.provider_cache.COOLDOWN_WITHOUT_VALUE_SECONDS", 0)
    port, provider_port = free_port(), free_port()
    origin, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    async with (
        running_server(database_url, issuer, port, tmp_path) as server,
        dashboard_page(browser, server.url) as page,
    ):
        await page.goto("/ui")
        await sign_in(page)
        await expect(page.get_by_role("alert")).to_contain_text("The identity provider does not")
        await expect(page.get_by_text("Accounts of this demo")).to_be_hidden()
        with IdentityProvider.serve(tmp_path, port=provider_port, client_origins=[origin]):
            await sign_in(page)
            await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
