"""Imports as a user sees them: files dropped, followed, their rejects mended and sent again."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Dialog, Locator, Page, Route, expect

from api.imports.rejects_file import MAX_REJECTS_BYTES
from api.imports.uploads import EXTENSIONS
from core.database import Pool
from core.imports import ImportFault
from core.readings import RejectCode
from core.row_warnings import WarningCode
from tests.api.imports.test_imports import UNKNOWN, new_import
from tests.api.imports.test_rejects_resubmission import import_with_rejects
from tests.auth.chromium import needs_chromium
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import ApiServer
from tests.auth.user_agent import TEST_USER
from tests.dashboard.api_types import WEB
from tests.dashboard.dropping import drop_files, write_files
from tests.dashboard.pages import sign_in
from tests.dashboard.workers import worker_of
from tests.jobs.support import HEADER, sample_lines

pytestmark = needs_chromium

ROWS = 400
BAD_LINES = (3, 41, 79, 117, 155, 193, 231, 269, 307, 401)
GOOD = f"{HEADER}a,2026-01-01T00:00:00Z,1\n"
CHOOSE_A_FILE_OF = """
    (input, size) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([new Uint8Array(size)], "rejects.csv"));
        input.files = chosen.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
    }
"""
SOON = 60_000  # milliseconds, for what a worker does


@pytest_asyncio.fixture
async def imports(page: Page) -> Page:
    """The page of the imports, signed in."""
    await page.goto("/ui/imports")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="History")).to_be_visible()
    return page


@pytest_asyncio.fixture
async def worker(dashboard: ApiServer, pool: Pool) -> AsyncIterator[None]:
    del pool
    async with worker_of(dashboard):
        yield


def visit_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Files of this visit").get_by_role("listitem")


async def import_dropped(page: Page, *, remaining: bool = False) -> None:
    """Have the file imported as its preview shows it, and with `remaining` those behind it."""
    if remaining:
        await page.get_by_label("Use these options for the remaining files too").check()
    await page.get_by_role("button", name="Import the file").click(timeout=SOON)


def damaged(lines: Sequence[str]) -> list[str]:
    """The lines of a file, the values of BAD_LINES replaced by a word."""
    return [
        f"{line.rpartition(',')[0]},broken" if number in BAD_LINES else line
        for number, line in enumerate(lines, start=1)
    ]


async def terms_of(page: Page) -> list[int]:
    """The numbers of the identity as shown; the last is their sum."""
    terms = page.get_by_role("region", name="Every row accounted for").locator("b")
    return [int(text.replace(",", "")) for text in await terms.all_inner_texts()]


@pytest.mark.usefixtures("worker")
async def test_ten_bad_rows_are_shown_and_their_mending_closes_the_identity(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    lines = sample_lines(ROWS).splitlines()
    await drop_files(imports, write_files(tmp_path, sample_csv="\n".join(damaged(lines))))
    forecast = imports.get_by_role("listitem").filter(has_text="Value: Not a number")
    await expect(forecast).to_contain_text("10 rows: lines 3, 41, 79, 117, 155", timeout=SOON)
    await import_dropped(imports)
    ended = visit_of(imports).get_by_role("link", name="390 rows stored, 10 rejected: mend them")
    await expect(ended).to_be_visible(timeout=SOON)
    await ended.click()
    rejects = imports.get_by_role("region", name="Rejected rows", exact=True).locator("tr.row")
    await expect(rejects).to_have_count(len(BAD_LINES))
    shown = await rejects.get_by_role("rowheader").all_inner_texts()
    assert [int(text) for text in shown] == list(BAD_LINES)
    await expect(rejects.first).to_contain_text("Not a number in value")
    assert await terms_of(imports) == [390, 0, 0, 0, 10, ROWS]
    for number in BAD_LINES[:-1]:
        await imports.get_by_label(f"Row of line {number}", exact=True).fill(lines[number - 1])
    await imports.get_by_role("button", name="Send 9 mended rows again").click()
    await expect(imports.get_by_text("All 9 rows that were sent again are stored.")).to_be_visible(
        timeout=SOON
    )
    await expect(rejects).to_have_count(1)
    await imports.get_by_label("Row of line 401").fill(lines[400])
    await imports.get_by_role("button", name="Send 1 mended row again").click()
    await expect(imports.get_by_text("The row that was sent again is stored.")).to_be_visible(
        timeout=SOON
    )
    assert await terms_of(imports) == [ROWS, 0, 0, 0, 0, ROWS]
    assert await pool.fetchval("SELECT count(*) FROM readings") == ROWS


async def test_an_import_is_cancelled_and_retried(
    imports: Page, dashboard: ApiServer, tmp_path: Path
) -> None:
    """No worker runs until it is retried, so that it waits in the queue."""
    (file,) = write_files(tmp_path, later_csv=GOOD)
    await imports.locator("input[type=file]").set_input_files(file)
    await import_dropped(imports)
    row = imports.get_by_role("row", name="later.csv")
    await expect(row.get_by_role("cell", name=TEST_USER[0], exact=True)).to_be_visible()
    await visit_of(imports).get_by_role("link", name="later.csv").click()
    state = imports.get_by_role("status").first
    await expect(state).to_have_text("Queued")
    await imports.get_by_role("button", name="Cancel the import").click()
    await imports.get_by_role("button", name="Cancel the import").click()
    await expect(state).to_have_text("Cancelled")
    await imports.get_by_role("button", name="Retry").click()
    await expect(state).to_have_text("Queued")
    async with worker_of(dashboard):
        await expect(state).to_have_text("Done", timeout=SOON)
    assert await terms_of(imports) == [1, 0, 0, 0, 0, 1]


@pytest.mark.usefixtures("worker")
async def test_a_failed_import_says_its_remedy(imports: Page, tmp_path: Path) -> None:
    """A file that its preview cannot read is imported with the options of one that it can."""
    files = write_files(tmp_path, sound_csv=GOOD, headless_csv="a;b\n1;2\n")
    await drop_files(imports, files)
    await import_dropped(imports, remaining=True)
    failed = visit_of(imports).get_by_role("link", name="see why")
    await expect(failed).to_be_visible(timeout=SOON)
    await failed.click()
    alert = imports.get_by_role("alert")
    await expect(alert).to_contain_text("What to do: Add the line that names the columns")
    await expect(alert).to_contain_text("missing_header")
    await expect(imports.get_by_role("button", name="Retry")).to_be_visible()


async def test_what_is_not_sent_is_said_and_the_rest_is_sent(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    refused = write_files(tmp_path, empty_csv="", sheet_ods="x")
    many = write_files(tmp_path, **{f"part-{number:02}_csv": GOOD for number in range(30)})
    said = imports.get_by_role("alert").get_by_role("listitem")
    await drop_files(imports, [tmp_path / "logs", *refused, *many])
    await import_dropped(imports, remaining=True)
    await expect(said).to_contain_text(
        ["logs is a folder.", "empty.csv is empty.", "sheet.ods is none of the kinds"]
    )
    await drop_files(imports, many[:1])
    await expect(said).to_contain_text(["part-00.csv is in the list already."])
    await expect(imports.get_by_text("30 of 30 sent")).to_be_visible(timeout=SOON)
    assert await pool.fetchval("SELECT count(DISTINCT file_name) FROM imports") == len(many)
    assert await pool.fetchval("SELECT count(*) FROM imports") == len(many)
    await imports.get_by_role("button", name="Dismiss").click()
    await expect(said).to_have_count(0)
    offered = await imports.locator("input[type=file]").get_attribute("accept")
    assert offered is not None
    assert set(offered.split(",")) == {Path(f"x{ending}").suffix for ending in EXTENSIONS}


async def test_files_wait_for_each_other_and_outlive_the_page_that_took_them(
    imports: Page, tmp_path: Path
) -> None:
    held: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        if held:
            await route.continue_()
        held.append(route)

    async def stay(dialog: Dialog) -> None:
        assert dialog.type == "beforeunload"
        await dialog.dismiss()

    imports.on("dialog", stay)
    await imports.route("**/upload-csv", hold_the_first)
    await drop_files(imports, write_files(tmp_path, first_csv=GOOD, second_csv=GOOD))
    await import_dropped(imports, remaining=True)
    first, second = (visit_of(imports).nth(index) for index in (0, 1))
    await expect(first.get_by_role("progressbar")).to_be_visible()
    await expect(second).to_contain_text("Waits")
    await imports.get_by_role("link", name="Fleet", exact=True).click()
    await expect(imports.get_by_role("heading", name="Fleet")).to_be_visible()
    async with imports.expect_event("dialog"):
        await imports.evaluate("location.reload()")
    await imports.get_by_role("link", name="Imports", exact=True).click()
    await first.get_by_role("button", name="Stop sending first.csv").click()
    await expect(first).to_contain_text("Not sent")
    await expect(imports.get_by_text("1 of 2 sent")).to_be_visible()
    await first.get_by_role("button", name="Send first.csv again").click()
    await expect(imports.get_by_text("2 of 2 sent")).to_be_visible()
    assert len(held) == 3


async def test_a_session_that_has_ended_is_begun_again_and_the_file_is_sent(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    await drop_files(imports, write_files(tmp_path, kept_csv=GOOD))
    await expect(imports.get_by_text("The only row of the file")).to_be_visible(timeout=SOON)
    await PostgresSessions(pool).clear()
    await import_dropped(imports)
    dialog = imports.get_by_role("dialog", name="Your session has ended")
    await dialog.get_by_label("Password").fill(TEST_USER[1])
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(imports.get_by_text("1 of 1 sent")).to_be_visible()
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_a_file_whose_connection_broke_is_sent_again_by_itself(
    imports: Page, pool: Pool, tmp_path: Path
) -> None:
    broken = 0

    async def break_twice(route: Route) -> None:
        nonlocal broken
        broken += 1
        await (route.abort("connectionreset") if broken <= 2 else route.continue_())

    await imports.route("**/upload-csv", break_twice)
    await drop_files(imports, write_files(tmp_path, kept_csv=GOOD))
    await import_dropped(imports)
    await expect(imports.get_by_text("1 of 1 sent")).to_be_visible()
    broken = -1
    await drop_files(imports, write_files(tmp_path, lost_csv=GOOD))
    await import_dropped(imports)
    await expect(imports.get_by_text("The connection broke while the file")).to_be_visible()
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1


async def test_an_import_is_followed_while_it_loads(imports: Page, pool: Pool) -> None:
    import_id = await new_import(pool)
    await pool.execute(
        """
        UPDATE imports SET
            state = 'loading', attempt = 1, started_at = now(), rows_read = 6000,
            rows_inserted = 6000, lines_done = 6001, bytes_done = 60, bytes_total = 100,
            loading_since = now() - interval '30 s', progress_at = now()
        """
    )
    await imports.reload()
    row = imports.get_by_role("row", name="a.csv")
    await expect(row.get_by_role("progressbar")).to_have_attribute("value", "0.6")
    await expect(row).to_contain_text(re.compile(r"Loading, 60% · 200 rows/s · \d+ secs? left"))
    await row.get_by_role("link").click()
    bar = imports.get_by_role("progressbar")
    await expect(bar).to_have_attribute("value", "0.6")
    await pool.execute("UPDATE imports SET bytes_done = 80")
    await expect(bar).to_have_attribute("value", "0.8")
    await pool.execute("UPDATE imports SET state = 'done', finished_at = now()")
    await expect(imports.get_by_role("status").first).to_have_text("Done")
    assert await terms_of(imports) == [6000, 0, 0, 0, 0, 6000]
    assert str(import_id) in imports.url


async def test_the_history_has_pages(imports: Page, pool: Pool) -> None:
    for age in range(30):
        await new_import(pool, age)
    await imports.reload()
    rows = imports.get_by_role("table").locator("tbody tr")
    await expect(rows).to_have_count(25)
    await imports.get_by_role("link", name="Older").click()
    await expect(rows).to_have_count(5)
    await expect(imports.get_by_role("link", name="Older")).to_be_hidden()
    await imports.get_by_role("link", name="Newest").click()
    await expect(rows).to_have_count(25)


async def test_a_list_that_is_not_taken_back_says_why(
    page: Page, dashboard: ApiServer, pool: Pool, tmp_path: Path
) -> None:
    import_id = await import_with_rejects(pool, Path(dashboard.settings.storage.url))
    await page.goto(f"/ui/imports/{import_id}")
    await sign_in(page)
    header = "line,code,column,row\n"
    for name, content, said in (
        (f"rejects-{UNKNOWN}.csv", f"{header}3,x,y,z\n", "rejects of another import"),
        ("rejects.csv", f"{header}4,x,y,z\n", "a line that this import never rejected"),
        ("rejects.csv", "line;code;column;row\n3;x;y;z\n", "not the list as it was downloaded"),
    ):
        (path,) = write_files(tmp_path, list_csv=content)
        await page.locator("input[type=file]").set_input_files(path.rename(tmp_path / name))
        await expect(page.get_by_role("alert")).to_contain_text(said)
    await page.locator("input[type=file]").evaluate(CHOOSE_A_FILE_OF, MAX_REJECTS_BYTES + 1)
    await expect(page.get_by_role("alert")).to_contain_text("The list has 16.8 MB")
    await pool.execute("UPDATE imports SET state = 'cancelled'")
    await page.get_by_label("Row of line 3").fill("a,2026-01-01T00:00:00Z,1")
    await page.get_by_role("button", name="Send 1 mended row again").click()
    await expect(page.get_by_role("alert")).to_contain_text("has moved on meanwhile")


@pytest.mark.parametrize(
    ("codes", "file"),
    [
        (RejectCode, "rejects/reasons.ts"),
        (ImportFault, "one/faults.ts"),
        (WarningCode, "one/faults.ts"),
    ],
)
def test_every_code_has_its_words(
    codes: type[RejectCode | ImportFault | WarningCode], file: str
) -> None:
    text = (WEB / "src" / "imports" / file).read_text()
    assert [code for code in codes if text.count(f"\n    {code}:") != 2] == []
