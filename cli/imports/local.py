"""Files into the configured database: the work of an API and a worker, done in this process."""

import asyncio
import os
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from uuid import UUID

from api.imports.multipart import FormFile
from api.imports.schemas import Import
from api.imports.service import ImportService
from api.imports.services import import_services
from api.imports.uploads import UploadService
from cli.imports.display import SENDING, Display
from cli.imports.local_run import LocalRun
from core.database import control_engine, database_address
from core.settings import (
    ApiSettings,
    DatabaseSettings,
    ReadingSettings,
    StorageSettings,
    WorkerSettings,
)
from core.storage import Storage
from jobs.csv_import.context import ImportWork
from jobs.worker import BATCH_LINES, open_work

IMPORTED_BY = "sensorflow import"
CHUNK_BYTES = 2**20


class LocalImporter:
    """Imports without an API or a worker."""

    def __init__(
        self,
        work: ImportWork,
        uploads: UploadService,
        imports: ImportService,
        options: dict[str, str],
    ) -> None:
        self._work = work
        self._uploads = uploads
        self._imports = imports
        self._options = options
        self._under_way: UUID | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, options: dict[str, str]) -> AsyncIterator["LocalImporter"]:
        """Imports into the configured database of files written as the `options` say.

        Raises DatabaseUnavailableError, DatabaseRefusedError or SchemaMismatchError, and pydantic's
        ValidationError for the settings.
        """
        database, storage = DatabaseSettings(), Storage.open(StorageSettings())
        worker, readings, stop = WorkerSettings(), ReadingSettings(), asyncio.Event()
        make_work = partial(ImportWork, storage, database, worker, readings, stop, BATCH_LINES)
        engine = control_engine(database.url.get_secret_value())
        try:
            async with open_work(database, make_work) as work:
                services = import_services(engine, storage, ApiSettings())
                yield cls(work, services.uploads, services.imports, options)
        finally:
            await engine.dispose()

    @property
    def destination(self) -> str:
        """The database, without who asks it."""
        return told_database(self._work.database)

    async def bring(self, path: Path, display: Display) -> Import:
        """Store the file and load it. Raises SensorFlowError or OSError."""
        self._under_way = None
        self._under_way = await self._take(path, display)
        return await LocalRun(self._work, self._imports, self._under_way, display).to_its_end()

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV."""
        async for chunk in await self._imports.rejects(import_id):
            yield chunk

    def after_interruption(self) -> list[str]:
        """What was stored of the file under way."""
        if self._under_way is None:
            return ["Nothing of it was stored."]
        return [
            f"Its import {self._under_way} ended after the batch at hand; its rows stay.",
            "To load the rest, import the file again, or retry the import at a server.",
        ]

    async def _take(self, path: Path, display: Display) -> UUID:
        with path.open("rb") as file:
            display.begin(path, SENDING, os.fstat(file.fileno()).st_size)
            form = FormFile(path.name, _chunks(file, display), self._options)
            delay = timedelta(seconds=self._work.worker.lease_seconds)
            return await self._uploads.take(form, IMPORTED_BY, delay)


def told_database(settings: DatabaseSettings) -> str:
    """Which database it is, without who asks it."""
    url = settings.url.get_secret_value()
    return f"the database {urlsplit(url).path.strip('/')} at {database_address(url)}"


async def _chunks(file: BinaryIO, display: Display) -> AsyncIterator[bytes]:
    while chunk := await to_thread(file.read, CHUNK_BYTES):
        yield chunk
        display.done(file.tell())
