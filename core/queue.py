"""The job queue, where api and jobs meet: pgqueuer's tables in the schema `queue`."""

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


def queue_over(driver: Driver) -> Queries:
    """Pgqueuer's operations over `driver`, on the tables that migrations/ created."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings=SETTINGS),
        qbq=QueryQueueBuilder(settings=SETTINGS),
        qbs=QuerySchedulerBuilder(settings=SETTINGS),
    )


async def enqueue_import(
    connection: Connection, import_id: UUID, delay: timedelta | None = None
) -> None:
    """Enqueue an import in the connection's transaction; idempotent.

    They do not pick it up before the `delay` is over, while the caller runs the import itself.
    """
    await queue_over(AsyncpgDriver(cast("asyncpg.Connection", connection))).enqueue(
        IMPORT_JOB,
        str(import_id).encode(),
        execute_after=delay,
        dedupe_key=f"import:{import_id}",
        on_conflict="skip",
    )
