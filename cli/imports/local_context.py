"""The context of imports in this process, from the environment's settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from core.database import database_address
from core.settings import DatabaseSettings, ReadingSettings, WorkerSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext
from jobs.worker import BATCH_LINES, open_import_context


@asynccontextmanager
async def open_local_context(
    database: DatabaseSettings, storage: Storage
) -> AsyncIterator[ImportContext]:
    """The context over the database and storage, stopped by nobody but its user.

    Raises DatabaseUnavailableError, DatabaseRefusedError or SchemaMismatchError.
    """
    worker, readings, stop = WorkerSettings(), ReadingSettings(), asyncio.Event()
    make_context = partial(ImportContext, storage, database, worker, readings, stop, BATCH_LINES)
    async with open_import_context(database, make_context) as context:
        yield context


def database_label(settings: DatabaseSettings) -> str:
    """The database's name and address, without credentials."""
    url = settings.url.get_secret_value()
    return f"the database {urlsplit(url).path.strip('/')} at {database_address(url)}"
