"""Why an attempt at a job ends without success."""

from collections.abc import Iterable

import asyncpg

from core.errors import SensorFlowError
from core.imports import ImportFault, Remedy

# Failures of the environment: they pass, and the attempt is repeated. Anything else is a bug.
EXPECTED_ERRORS = (SensorFlowError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

# What TimescaleDB raises when maintenance meets another session on the same chunk: a refresh that
# overlaps a policy's (55P03), a compression beside a write (40001). It can be retried.
CONCURRENCY_ERRORS = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class FileFaultError(SensorFlowError):
    """The file itself is at fault: the import fails, and a retry would change nothing.

    Each of `remedies` is an option with which the file may be read.
    """

    code: ImportFault

    def __init__(self, code: ImportFault, message: str, remedies: Iterable[Remedy] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.remedies = list(remedies)


class LeaseLostError(SensorFlowError):
    """Another worker has begun a later attempt, or the import has ended: write nothing more."""

    code = "lease_lost"


class WorkerStoppingError(SensorFlowError):
    """The worker is shutting down; the next one continues after the last committed batch."""

    code = "worker_stopping"


class CommitOrderTimeoutError(SensorFlowError):
    """A batch waited too long, with rows locked, for the one before, which may wait for it."""

    code = "commit_order_timeout"


class RollupMismatchError(SensorFlowError):
    """A rollup differs from its rows even after a forced refresh; its ledger rows stay."""

    code = "rollup_mismatch"


class RefreshLeaseLostError(SensorFlowError):
    """Another session refreshes the rollups since: refresh nothing more."""

    code = "refresh_lease_lost"


class SchemaMismatchError(SensorFlowError):
    """The database is not at the revision this worker is written for."""

    code = "schema_mismatch"
