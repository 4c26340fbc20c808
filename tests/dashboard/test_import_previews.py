"""A file before it is imported: its first rows, what becomes of them, and how that is changed."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from core.database import Pool
from tests.auth.chromium import needs_chromium
from tests.auth.servers import ApiServer
from tests.dashboard.dropping import drop_files, write_files
from tests.dashboard.pages import accessibility_faults, dashboard_page, sign_in

pytestmark = needs_chromium

GERMAN = (
    "Messstelle;Zeitpunkt;Wert;Bemerkung\n"
    "Pumpe Süd;31.07.2026 23:45;1,5;ok\n"
    "Pumpe Süd;31.07.2026 23:50;-2,25;\n"
)
EITHER = "sensor;time;value\nt36;01.11.2026 00:00:00;21,5\n"
TWO_NAMES = "sensor,time,value,raw\na,2026-01-01T00:00:00Z,1.5,x\nb,2026-01-01T00:01:00Z,y,2\n"
SOON = 20_000  # milliseconds, for a process that is started for each preview


@pytest_asyncio.fixture
async def imports(browser: Browser, dashboard: ApiServer, pool: Pool) -> AsyncIterator[Page]:
    """The page of the imports in Berlin, signed in, over an empty database."""
    del pool
    async with dashboard_page(browser, dashboard.url, timezone_id="Europe/Berlin") as page:
        await page.goto("/ui/imports")
        await sign_in(page)
        await expect(page.get_by_role("heading", name="History")).to_be_visible()
        yield page


def rows_of(page: Page) -> Locator:
    return page.get_by_role("region", name="The first rows").locator("tbody tr")


def import_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Import the file")


async def drop(page: Page, folder: Path, **contents: str | bytes) -> None:
    """Drop the files, and wait for the preview of the first."""
    await drop_files(page, write_files(folder, **contents))
    await expect(rows_of(page)).not_to_have_count(0, timeout=SOON)


async def stored_options(page: Page, pool: Pool) -> dict[str, Any]:
    """Those of the only import, once its file is sent."""
    await expect(page.get_by_text("1 of 1 sent")).to_be_visible()
    options: dict[str, Any] = json.loads(await pool.fetchval("SELECT options FROM imports"))
    return options


async def test_how_a_file_is_written_is_found_and_imported_as_it_is_shown(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    await drop(imports, tmp_path, pumpen_csv=GERMAN.encode("cp1252"))
    first = rows_of(imports).first
    made = first.get_by_role("cell").filter(has_text="31 Jul 2026, 23:45:00")
    await expect(made).to_be_visible()
    await expect(first.get_by_role("cell").last).to_have_text("1.5")
    await expect(imports.get_by_label("Decimal mark")).to_have_value(",")
    await expect(imports.get_by_label("Encoding")).to_have_value("windows-1252")
    holds = imports.get_by_label("What the column Bemerkung holds")
    await expect(holds).to_have_value("unread")
    await imports.get_by_role("button", name="Those of Europe/Berlin").click()
    await expect(first).to_contain_text("21:45:00", timeout=SOON)
    await expect(imports.get_by_role("status").first).to_contain_text("All 2 rows of the file")
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0
    assert await accessibility_faults(imports) == []
    await import_button(imports).click()
    options = await stored_options(imports, pool)
    assert (options["encoding"], options["decimal"]) == ("windows-1252", ",")
    assert (options["timeFormat"], options["timeZone"]) == ("%d.%m.%Y %H:%M", "Europe/Berlin")
    assert options["columns"] == {
        "equipmentId": "Messstelle", "timestamp": "Zeitpunkt", "value": "Wert",
    }  # fmt: skip


async def test_whether_day_or_month_comes_first_is_asked(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    await drop(imports, tmp_path, export_csv=EITHER)
    question = imports.get_by_role("group", name="Day or month first?")
    await expect(question.get_by_role("radio", checked=True)).to_have_count(0)
    await expect(import_button(imports)).to_be_disabled()
    await expect(imports.get_by_text("Choose above which way is meant.")).to_be_visible()
    await question.get_by_role("radio", name="11 Jan 2026").check()
    await expect(rows_of(imports).first).to_contain_text("11 Jan 2026", timeout=SOON)
    await expect(import_button(imports)).to_be_enabled()
    await question.get_by_role("radio", name="1 Nov 2026").check()
    await expect(rows_of(imports).first).to_contain_text("1 Nov 2026", timeout=SOON)
    await import_button(imports).click()
    assert (await stored_options(imports, pool))["timeFormat"] == "%d.%m.%Y %H:%M:%S"


async def test_the_rows_that_would_be_rejected_are_named_and_the_mapping_is_changed(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    sent: list[str] = []
    imports.on("request", lambda request: sent.append(request.url))
    rows = TWO_NAMES + "c,01/02/2026 00:00:00,3,4\n"
    await drop(imports, tmp_path, bad_csv=rows)
    rejected = imports.get_by_role("listitem").filter(has_text="Line 3")
    await expect(rejected).to_contain_text("Value: Not a number")
    await expect(rows_of(imports).nth(1)).to_contain_text("Rejected Not a number")
    await imports.get_by_label("What the column raw holds").select_option("value")
    await expect(imports.get_by_text("Line 2", exact=True)).to_be_visible(timeout=SOON)
    await expect(imports.get_by_label("What the column value holds")).to_have_value("unread")
    await expect(rows_of(imports).nth(1)).to_contain_text("1 Jan 2026")
    await imports.get_by_role("button", name="Read timestamps as %d/%m/%Y").click()
    await expect(rows_of(imports).nth(2)).to_contain_text("1 Feb 2026", timeout=SOON)
    await expect(imports.get_by_label("Time format")).to_have_value("%d/%m/%Y %H:%M:%S")
    previews = len([url for url in sent if url.endswith("/imports/preview")])
    for mark in (";", "|", "tab", "|"):
        await imports.get_by_label("Fields separated by").select_option(
            "\t" if mark == "tab" else mark
        )
    alert = imports.get_by_role("alert")
    await expect(alert).to_contain_text("The file cannot be read with these options.", timeout=SOON)
    await expect(import_button(imports)).to_be_disabled()
    assert len([url for url in sent if url.endswith("/imports/preview")]) == previews + 1
    await imports.get_by_role("button", name="Find them anew").click()
    await expect(imports.get_by_label("What the column value holds")).to_have_value(
        "value", timeout=SOON
    )
    await import_button(imports).click()
    assert (await stored_options(imports, pool))["timeFormat"] == "iso8601"


async def test_a_file_without_a_preview_may_be_imported_and_another_left_out(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    async def fail(route: Route) -> None:
        problem = {"code": "preview_failed", "detail": "Too much.", "status": 422}
        await route.fulfill(status=422, json=problem, content_type="application/problem+json")

    await imports.route("**/imports/preview", fail)
    await drop_files(imports, write_files(tmp_path, left_csv=EITHER, kept_csv=EITHER))
    await expect(imports.get_by_role("heading", name="How left.csv is read")).to_be_focused()
    await imports.get_by_role("button", name="Do not import it").click()
    await expect(imports.get_by_role("heading", name="How kept.csv is read")).to_be_focused()
    await expect(imports.get_by_role("alert")).to_contain_text("There is no preview")
    await imports.get_by_label("Decimal mark").select_option(",")
    await imports.get_by_role("button", name="Import without a preview").click()
    assert (await stored_options(imports, pool))["decimal"] == ","
    assert await pool.fetchval("SELECT file_name FROM imports") == "kept.csv"
