"""Imports into the configured database: this process does what an API and a worker would."""

import os
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from api.imports.multipart import FormFile
from api.imports.schemas import Import
from api.imports.service import ImportService
from api.imports.services import import_services
from api.imports.upload_repository import Sender
from api.imports.uploads import UploadService
from cli.imports.display import SENDING, Display
from cli.imports.local_context import database_label, open_local_context
from cli.imports.local_run import LocalRun
from core.database import control_engine
from core.settings import ApiSettings, DatabaseSettings, StorageSettings
from core.storage import Storage
from jobs.csv_import.context import ImportContext

IMPORTED_BY = Sender("sensorflow import")
CHUNK_BYTES = 2**20


class LocalImporter:
    """Imports without an API or a worker."""

    def __init__(
        self,
        context: ImportContext,
        uploads: UploadService,
        imports: ImportService,
        options: dict[str, str],
    ) -> None:
        self._context = context
        self._uploads = uploads
        self._imports = imports
        self._options = options
        self._import_id: UUID | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, options: dict[str, str]) -> AsyncIterator["LocalImporter"]:
        """Imports into the configured database, of files written as the `options` say.

        Raises DatabaseUnavailableError, DatabaseRefusedError or SchemaMismatchError, and pydantic's
        ValidationError for the settings.
        """
        database, storage = DatabaseSettings(), Storage.open(StorageSettings())
        engine = control_engine(database.url.get_secret_value())
        try:
            async with open_local_context(database, storage) as context:
                services = import_services(engine, storage, ApiSettings())
                yield cls(context, services.uploads, services.imports, options)
        finally:
            await engine.dispose()

    @property
    def destination(self) -> str:
        """The database, without credentials."""
        return database_label(self._context.database)

    async def import_file(self, path: Path, display: Display) -> Import:
        """Store the file and load it. Raises SensorFlowError or OSError."""
        self._import_id = None
        self._import_id = await self._upload(path, display)
        run = LocalRun(self._context, self._imports, self._import_id, display)
        return await run.run_to_completion()

    async def rejects(self, import_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV."""
        async for chunk in await self._imports.rejects(import_id):
            yield chunk

    def after_interruption(self) -> list[str]:
        """What was stored of the file in progress."""
        if self._import_id is None:
            return ["Nothing of it was stored."]
        return [
            f"Its import {self._import_id} ended after the batch at hand; its rows stay.",
            "To load the rest, import the file again, or retry the import at a server.",
        ]

    async def _upload(self, path: Path, display: Display) -> UUID:
        with path.open("rb") as file:
            display.start_file(path, SENDING, os.fstat(file.fileno()).st_size)
            form = FormFile(path.name, _chunks(file, display), self._options)
            delay = timedelta(seconds=self._context.worker.lease_seconds)
            return await self._uploads.store_and_queue(form, IMPORTED_BY, delay)


async def _chunks(file: BinaryIO, display: Display) -> AsyncIterator[bytes]:
    while chunk := await to_thread(file.read, CHUNK_BYTES):
        yield chunk
        display.set_done(file.tell())
