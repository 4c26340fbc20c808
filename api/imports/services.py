"""The services of imports, built in one place for the API and for `sensorflow import`."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from api.imports.progress_feed import ProgressFeed
from api.imports.rejects_resubmission import RejectsResubmissionService
from api.imports.repository import ImportRepository
from api.imports.service import ImportService
from api.imports.upload_repository import UploadRepository
from api.imports.upload_urls import UploadUrls
from api.imports.uploads import UploadService
from core.settings import ApiSettings
from core.storage import Storage


@dataclass(frozen=True, slots=True)
class ImportServices:
    """One of each, over one engine and one store. The progress feed must be stopped."""

    imports: ImportService
    progress_feed: ProgressFeed
    resubmissions: RejectsResubmissionService
    uploads: UploadService


def import_services(engine: AsyncEngine, storage: Storage, settings: ApiSettings) -> ImportServices:
    """The services; they connect at first use."""
    repository = ImportRepository(engine)
    progress_feed = ProgressFeed(repository)
    upload_urls = UploadUrls(storage, settings)
    return ImportServices(
        imports=ImportService(repository, storage, progress_feed),
        progress_feed=progress_feed,
        resubmissions=RejectsResubmissionService(repository, storage),
        uploads=UploadService(
            UploadRepository(engine), storage, upload_urls, settings.max_upload_bytes
        ),
    )
