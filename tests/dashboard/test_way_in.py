"""The way in and out, as a user sees it."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from core.database import Pool
from embedded.identity import IdentityProvider, read_accounts
from tests.auth.chromium import needs_chromium
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer, running_server
from tests.auth.user_agent import RADIX, TEST_USER
from tests.dashboard.pages import dashboard_page, sign_in
from tests.support.ports import free_port

pytestmark = needs_chromium

USERNAME, _ = TEST_USER


async def test_the_address_of_the_server_leads_to_the_form_and_the_form_to_the_fleet(
    page: Page,
) -> None:
    await page.goto("/")
    await expect(page).to_have_title("Sensor Flow")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    await expect(page.get_by_text(USERNAME)).to_be_visible()


async def test_a_wrong_password_is_said_and_can_be_corrected(page: Page) -> None:
    await page.goto("/ui")
    await sign_in(page, password="wrong")
    await expect(page.get_by_role("alert")).to_have_text("Wrong user name or password.")
    await expect(page.get_by_label("User name")).to_have_value(USERNAME)
    await expect(page.get_by_label("Password")).to_be_focused()
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()


async def test_too_many_failures_say_when_to_try_again(page: Page, dashboard: ApiServer) -> None:
    await page.goto("/ui")
    for _ in range(dashboard.settings.auth.max_failures_per_user_and_address + 1):
        await sign_in(page, password="wrong")
        await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
    await expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"Too many failed sign-ins\. Try again at \d\d:\d\d\.")
    )


async def test_the_form_is_sent_by_the_keyboard_alone(page: Page) -> None:
    await page.goto("/ui")
    await page.get_by_label("User name").focus()
    await page.keyboard.type(TEST_USER[0])
    await page.keyboard.press("Tab")
    await page.keyboard.type(TEST_USER[1])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()


async def test_sso_leads_to_the_provider_and_back_to_the_same_view(
    page: Page, dashboard: ApiServer
) -> None:
    await page.goto("/ui?window=1w")
    await page.get_by_role("link", name="Sign in with SSO").click()
    await page.get_by_label("Username").fill(TEST_USER[0])
    await page.get_by_label("Password").fill(TEST_USER[1])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{dashboard.url}/ui?window=1w")
    await expect(page.get_by_role("radio", name="Week")).to_be_checked()


async def test_who_denies_consent_may_sign_in_to_the_dashboard_after_all(
    page: Page, dashboard: ApiServer
) -> None:
    await page.goto("/ui")
    await page.get_by_role("link", name="Sign in with SSO").click()
    await page.get_by_label("Username").fill(TEST_USER[0])
    await page.get_by_label("Password").fill(TEST_USER[1])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    await page.get_by_role("link", name="Sign in").click()
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{dashboard.url}/ui")
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()


async def test_the_accounts_of_a_demo_are_shown_and_fill_in_the_form(page: Page) -> None:
    await page.goto("/ui")
    shown = page.get_by_role("region", name="Accounts of this demo")
    for name, password in read_accounts().passwords.items():
        await expect(shown).to_contain_text(f"{name} {password}")
    await page.get_by_role("button", name=f"Use: {RADIX[0]}").click()
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("banner")).to_contain_text(RADIX[0])


async def test_signing_out_ends_the_session_and_offers_to_leave_the_provider_too(
    page: Page,
) -> None:
    await page.goto("/ui")
    await sign_in(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    link = page.get_by_role("link", name="Sign out of the identity provider too")
    assert "/session/end" in str(await link.get_attribute("href"))
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("async () => (await fetch('/auth/me')).status") == 401


async def test_an_ended_session_keeps_the_page_and_asks_again_in_place(
    page: Page, pool: Pool
) -> None:
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_text("As of")).to_be_visible()
    await page.evaluate("document.body.dataset.kept = 'yes'")
    await PostgresSessions(pool).clear()
    await page.get_by_text("Week").click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    await expect(dialog.get_by_label("User name")).to_have_value(USERNAME)
    await expect(dialog.get_by_label("Password")).to_be_focused()
    await page.keyboard.press("Escape")
    await dialog.get_by_label("Password").fill("wrong")
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_have_text("Wrong user name or password.")
    await dialog.get_by_label("Password").fill(TEST_USER[1])
    async with page.expect_response(re.compile("aggregated.*interval=1w")) as answer:
        await dialog.get_by_role("button", name="Sign in", exact=True).click()
    assert (await answer.value).status == 200
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("radio", name="Week")).to_be_checked()
    assert await page.evaluate("document.body.dataset.kept") == "yes"


async def test_an_address_that_does_not_exist_says_so(page: Page) -> None:
    await page.goto("/ui/nowhere")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await page.get_by_role("link", name="Go to the fleet").click()
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()


async def test_the_language_is_chosen_and_kept(page: Page) -> None:
    await page.goto("/ui")
    await page.get_by_label("Language").select_option("Português (Brasil)")
    await expect(page.get_by_role("button", name="Entrar", exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Senha")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "pt-BR")


async def test_without_sign_in_by_password_there_is_no_form(
    browser: Browser, built: None, migrated_url: str, tmp_path: Path
) -> None:
    del built
    auth = {"password_login": False, "shown_accounts": read_accounts().passwords}
    port = free_port()
    with IdentityProvider.serve(tmp_path, client_origins=[f"http://127.0.0.1:{port}"]) as provider:
        async with (
            running_server(migrated_url, provider.issuer, port, tmp_path, auth=auth) as server,
            dashboard_page(browser, server.url) as page,
        ):
            await page.goto("/ui")
            await expect(page.get_by_label("Password")).to_be_hidden()
            await page.get_by_role("link", name="Sign in with SSO").click()
            await expect(page.get_by_label("Username")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-US", "pt-BR"])
async def test_the_browsers_language_is_spoken(
    browser: Browser, dashboard: ApiServer, locale: str
) -> None:
    async with dashboard_page(browser, dashboard.url, locale=locale) as page:
        await page.goto("/ui")
        name = {"en-US": "Sign in", "pt-BR": "Entrar"}[locale]
        await expect(page.get_by_role("heading", name=name)).to_be_visible()
