"""`python -m bench.dashboard`: the size of the first page, when it is usable, how fast it draws.

Without --url a stack of its own is measured, on the database SENSORFLOW_BENCH_DATABASE_URL, which
must have no readings. Needs Chromium, and the dashboard built by `make web`.
"""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Annotated

import asyncpg
import typer
import uvloop
from playwright.async_api import Browser, Page, StorageState, async_playwright

from bench.dashboard_charts import drawn_after, frames_of_panning, store_lines
from bench.equipment import fill
from bench.runs import console, database
from bench.table import empty, require_no_readings
from cli.demo.stack import DatabaseUrls, running_platform
from core.listening import ListenAddress
from core.settings import ApiSettings
from embedded.identity import read_accounts
from migrations.runner import upgrade

WHEEL_PIXELS = 800
SETTLED_MILLISECONDS = 500
LONGEST_FRAME_MILLISECONDS = 50

BARE_PAGE = """
<section class="scroll" style="height: 600px; overflow: auto">
  <div style="height: 520000px"></div>
</section>
"""
WATCH_ROWS = """
new MutationObserver((_, observer) => {
  if (document.querySelector("tr.row") === null) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.usableAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
SIZE = """
performance.getEntriesByType("resource")
  .filter(({ name }) => /\\.(js|css)$/.test(name))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
"""
WATCH_FRAMES = """
window.frames_ = [];
let last = performance.now();
(function watch() {
  requestAnimationFrame((now) => { window.frames_.push(now - last); last = now; watch(); });
})();
"""
SCROLLED = "({ scrollTop, scrollHeight, clientHeight }) => [scrollTop, scrollHeight - clientHeight]"


def main(
    url: Annotated[str, typer.Option(help="Of a running server, such as the demo's.")] = "",
    equipment: Annotated[int, typer.Option(help="In the table of a stack of its own.")] = 10_000,
    runs: Annotated[int, typer.Option(help="How often each is measured.")] = 5,
) -> None:
    """Print one line per figure."""
    if url:
        uvloop.run(measure(url, runs))
        return
    with TemporaryDirectory() as name, database(Path(name)) as (_, database_url):
        api = ListenAddress("127.0.0.1", 0, ApiSettings).listen()
        uvloop.run(upgrade(database_url))
        uvloop.run(_store(database_url, equipment))
        urls = DatabaseUrls(database_url, database_url)
        with running_platform(console, urls, Path(name), api=api, idp_port=0) as stack:
            uvloop.run(measure(stack.api_url, runs))
            uvloop.run(measure_charts(stack.api_url, database_url, runs))
        uvloop.run(_remove(database_url))


async def measure(url: str, runs: int) -> None:
    """Measure the first page of a running server in the system's Chromium."""
    async with _chromium() as browser:
        signed_in = await _signed_in(browser, url)
        usable = [await _usable_after(browser, url, signed_in) for _ in range(runs)]
        console.print(f"  script and style of the first page: {usable[0][1] / 1000:.1f} kB")
        times = [milliseconds for milliseconds, _ in usable]
        console.print(f"  rows drawn after {median(times):.0f} ms ({_listed(times)})")
        for _ in range(runs):
            console.print(f"  table:     {_described(await _frames(browser, url, signed_in))}")
            console.print(f"  bare page: {_described(await _bare_frames(browser))}")


async def measure_charts(url: str, database_url: str, runs: int) -> None:
    """Measure the page of a piece of equipment, over readings that are stored for that."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await store_lines(pool)
    async with _chromium() as browser:
        signed_in = await _signed_in(browser, url)
        times = []
        for _ in range(runs):
            async with _page(browser, url, signed_in) as page:
                times.append(await drawn_after(page))
        console.print(f"  20 lines drawn after {median(times):.0f} ms ({_listed(times)})")
        for _ in range(runs):
            async with _page(browser, url, signed_in) as page:
                console.print(f"  panning:   {_described(await frames_of_panning(page))}")


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def _page(browser: Browser, url: str, signed_in: StorageState) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=url, storage_state=signed_in, locale="en")
    yield await context.new_page()
    await context.close()


async def _signed_in(browser: Browser, url: str) -> StorageState:
    name, password = next(iter(read_accounts().passwords.items()))
    context = await browser.new_context(base_url=url, locale="en")
    page = await context.new_page()
    await page.goto("/ui")
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.locator("tr.row").first.wait_for()
    state = await context.storage_state()
    await context.close()
    return state


async def _usable_after(browser: Browser, url: str, signed_in: StorageState) -> tuple[float, int]:
    """Milliseconds from the start of the navigation with nothing cached, and compressed bytes."""
    async with _page(browser, url, signed_in) as page:
        await page.add_init_script(WATCH_ROWS)
        await page.goto("/ui")
        await page.locator("tr.row").first.wait_for()
        await page.wait_for_timeout(SETTLED_MILLISECONDS)
        return float(await page.evaluate("window.usableAt")), int(await page.evaluate(SIZE))


async def _frames(browser: Browser, url: str, signed_in: StorageState) -> Sequence[float]:
    """The milliseconds of each frame while the wheel scrolls through the whole table."""
    async with _page(browser, url, signed_in) as page:
        await page.goto("/ui")
        await page.locator("tr.row").first.wait_for()
        return await _frames_of_scrolling(page)


async def _bare_frames(browser: Browser) -> Sequence[float]:
    """The same of a page that draws nothing while it is scrolled, to see what the machine does."""
    page = await browser.new_page()
    await page.set_content(BARE_PAGE)
    frames = await _frames_of_scrolling(page)
    await page.close()
    return frames


async def _frames_of_scrolling(page: Page) -> Sequence[float]:
    region = page.locator("section.scroll")
    await region.scroll_into_view_if_needed()
    await region.hover()
    await page.evaluate(WATCH_FRAMES)
    position, end = await _scrolled(page)
    while position < end - 1:
        await page.mouse.wheel(0, WHEEL_PIXELS)
        position, end = await _scrolled(page)
    frames: list[float] = await page.evaluate("window.frames_")
    return frames


async def _scrolled(page: Page) -> tuple[float, float]:
    position, end = await page.locator("section.scroll").evaluate(SCROLLED)
    return position, end


def _described(frames: Sequence[float]) -> str:
    over = sum(1 for each in frames if each > LONGEST_FRAME_MILLISECONDS)
    high = quantiles(frames, n=100)[98]
    return (
        f"{len(frames)} frames: median {median(frames):.1f} ms, 99 % within {high:.1f} ms, "
        f"longest {max(frames):.1f} ms, {over} over {LONGEST_FRAME_MILLISECONDS} ms"
    )


def _listed(figures: Sequence[float]) -> str:
    return ", ".join(f"{each:.0f}" for each in figures)


async def _store(url: str, equipment: int) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await require_no_readings(pool)
        await fill(pool, equipment)


async def _remove(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await empty(pool)


if __name__ == "__main__":
    typer.run(main)
