from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from api.dashboard.files import FOLDER, PAGE
from core.database import Pool
from embedded.identity import IdentityProvider, read_accounts
from embedded.node import main
from tests.auth.chromium import chromium
from tests.auth.servers import ApiServer, running_server
from tests.dashboard.api_types import WEB
from tests.dashboard.pages import dashboard_page
from tests.support.ports import free_port


@pytest.fixture(scope="session")
def built() -> None:
    """The dashboard, built as `make test` does beforehand; by hand, `make web` renews it."""
    if not (FOLDER / PAGE).is_file():
        assert main("run", str(WEB), "build") == 0


@pytest_asyncio.fixture(scope="session")
async def dashboard(
    built: None, migrated_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ApiServer]:
    """A server with the dashboard, whose sign-in page shows the accounts as the demo's does."""
    del built
    port, folder = free_port(), tmp_path_factory.mktemp("dashboard")
    auth = {"shown_accounts": read_accounts().passwords}
    with IdentityProvider.serve(folder, client_origins=[f"http://127.0.0.1:{port}"]) as provider:
        async with running_server(
            migrated_url, provider.issuer, port, folder / "objects", auth=auth
        ) as server:
            yield server


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture
async def page(browser: Browser, dashboard: ApiServer, pool: Pool) -> AsyncIterator[Page]:
    """A page of the dashboard, over an empty database; a violation of its policy is a failure."""
    del pool
    async with dashboard_page(browser, dashboard.url) as page:
        yield page
