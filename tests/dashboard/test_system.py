"""The page of the system: whom it is shown to, and that its figures and findings are the API's."""

from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, Request, expect

from core.database import Pool
from core.queries import queries
from tests.api.imports.test_imports import new_import, set_state
from tests.auth.chromium import needs_chromium
from tests.auth.user_agent import RADIX
from tests.dashboard.pages import sign_in

pytestmark = needs_chromium

FETCH = "async (path) => await (await fetch(path)).json()"
INTERVAL_MILLISECONDS = 5_500
MESSAGE = "Line 1 is not text."


async def failed_import(pool: Pool) -> UUID:
    import_id = await new_import(pool)
    await set_state(pool, import_id, "failed", "not_text")
    await pool.execute("UPDATE imports SET error_message = $1", MESSAGE)
    return import_id


async def test_it_is_hidden_from_whoever_lacks_the_scope(page: Page) -> None:
    asked: list[str] = []

    def listen(request: Request) -> None:
        asked.append(request.url)

    page.on("request", listen)
    await page.goto("/ui")
    await sign_in(page)
    pages = page.get_by_role("navigation")
    await expect(pages.get_by_role("link", name="Fleet")).to_be_visible()
    await expect(pages.get_by_role("link", name="System")).to_have_count(0)
    await page.goto("/ui/system")
    await expect(page.get_by_role("alert")).to_contain_text("Your account may not see this.")
    assert not [url for url in asked if url.endswith("/system") and "/ui/" not in url]
    assert (await page.evaluate(FETCH, "/system"))["code"] == "missing_scope"


async def test_what_needs_attention_is_said_with_its_remedy_until_it_is_done(
    page: Page, pool: Pool
) -> None:
    await failed_import(pool)
    await page.clock.install()
    await page.goto("/ui")
    await sign_in(page, user=RADIX)
    await page.get_by_role("navigation").get_by_role("link", name="System").click()
    findings = page.get_by_role("region", name="What needs attention").get_by_role("listitem")
    await expect(findings).to_have_count(2)
    await expect(findings.first).to_contain_text("Critical No worker has been seen.")
    await expect(findings.first.locator("pre")).to_have_text("sensorflow worker")
    await expect(findings.last).to_contain_text("Imports that failed in the last 24 hours: 1.")
    await queries().record_worker_heartbeat(pool, id=uuid4())
    await pool.execute("UPDATE imports SET finished_at = now() - INTERVAL '2 days'")
    await page.clock.fast_forward(INTERVAL_MILLISECONDS)
    await expect(page.get_by_text("Nothing needs attention").last).to_be_visible()
    await expect(findings).to_have_count(0)
    failures = page.get_by_role("region", name="Failed imports")
    await expect(failures.get_by_role("row").last).to_contain_text(MESSAGE)


async def test_the_figures_are_those_of_the_api(page: Page, pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO ingest_minutes (minute, readings) "
        "SELECT date_trunc('minute', now()) - make_interval(mins => ago), 1234 + ago "
        "FROM unnest('{3,20,300}'::int[]) AS ago"
    )
    await new_import(pool)
    await page.goto("/ui/system")
    await sign_in(page, user=RADIX)
    ingest = page.get_by_role("region", name="Readings stored")
    await expect(ingest.get_by_role("img")).to_be_visible()
    answer = await page.evaluate(FETCH, "/system")
    assert answer["ingest"]["lastDay"] == 3 * 1234 + 323
    for name in ("lastMinute", "lastHour", "lastDay"):
        await expect(ingest).to_contain_text(f"{answer['ingest'][name]:,}")
    await expect(page.get_by_role("region", name="Imports", exact=True)).to_contain_text(
        "Waiting for a worker 1"
    )
    database = page.get_by_role("region", name="Database")
    for version in (answer["database"]["postgresql"], answer["database"]["timescaledb"]):
        await expect(database).to_contain_text(version)
    policies = page.get_by_role("region", name="Jobs of TimescaleDB")
    await expect(policies.get_by_role("row")).to_have_count(4)


@pytest.mark.parametrize("hidden", [True, False])
async def test_it_is_looked_at_again_only_while_it_is_seen(page: Page, *, hidden: bool) -> None:
    await page.clock.install()
    await page.goto("/ui/system")
    await sign_in(page, user=RADIX)
    await expect(page.get_by_text("As of")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
    await page.clock.run_for(4 * INTERVAL_MILLISECONDS)
    await page.evaluate(FETCH, "/auth/me")  # what was asked before has been seen by now
    assert any(url.endswith("/system") for url in asked) is not hidden
