"""A real browser: the system's Chromium, driven by Playwright. None is ever downloaded."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright

EXECUTABLE = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

needs_chromium = pytest.mark.skipif(
    EXECUTABLE is None, reason="there is no Chromium here; install Debian's package chromium"
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=EXECUTABLE, headless=True, args=ARGUMENTS
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def new_window(browser: Browser) -> AsyncIterator[Page]:
    """A page that shares nothing with any other."""
    context = await browser.new_context()
    try:
        yield await context.new_page()
    finally:
        await context.close()
