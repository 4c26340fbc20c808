"""The job queue between api and jobs: pgqueuer's tables in the schema `queue`."""

from datetime import timedelta
from typing import cast
from uuid import UUID

import asyncpg
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.db import AsyncpgDriver, Driver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.queries import Queries

from core.database import Connection

IMPORT_JOB = "run_import"

SETTINGS = DBSettings(db_schema="queue")


def queue_queries(driver: Driver) -> Queries:
    """Pgqueuer's queries on `driver`, for the tables that migrations/ creates."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings=SETTINGS),
        qbq=QueryQueueBuilder(settings=SETTINGS),
        qbs=QuerySchedulerBuilder(settings=SETTINGS),
    )


async def enqueue_import(
    connection: Connection, import_id: UUID, delay: timedelta | None = None
) -> None:
    """Add the import's job in the connection's transaction, unless it has a job already.

    No worker takes the job before the `delay` has passed, in which the caller may run the import.
    """
    await queue_queries(AsyncpgDriver(cast("asyncpg.Connection", connection))).enqueue(
        IMPORT_JOB,
        str(import_id).encode(),
        execute_after=delay,
        dedupe_key=f"import:{import_id}",
        on_conflict="skip",
    )
