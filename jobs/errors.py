"""What may end an attempt at a job, apart from its success."""

import asyncpg

from core.errors import SensorFlowError

# What comes of the world around the worker, and passes; anything else is a fault in the code.
EXPECTED = (SensorFlowError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

# What TimescaleDB says to upkeep that meets another session's work on the same chunk: a refresh
# that overlaps a policy's (55P03), a compression beside a write (40001). It may be tried again.
CONFLICTS = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class FileFaultError(SensorFlowError):
    """The file itself is at fault: the import fails, and trying again would change nothing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LeaseLostError(SensorFlowError):
    """Another worker has begun a later attempt, or the import was ended: write nothing more."""

    code = "lease_lost"


class WorkerStoppingError(SensorFlowError):
    """The worker was asked to stop; the next one continues from the last batch."""

    code = "worker_stopping"


class TurnLateError(SensorFlowError):
    """A batch waited too long, with rows locked, for the one before it: that may wait for it."""

    code = "turn_late"


class RowsMissingError(SensorFlowError):
    """After a batch the table does not hold what was written to it; the batch is rolled back."""

    code = "rows_missing"


class RollupMismatchError(SensorFlowError):
    """A rollup differs from its rows even after a forced refresh; its ledger rows stay."""

    code = "rollup_mismatch"


class RefreshLeaseLostError(SensorFlowError):
    """Another session refreshes the rollups since: refresh nothing more."""

    code = "refresh_lease_lost"


class SchemaMismatchError(SensorFlowError):
    """The database is not at the revision this worker is written for."""

    code = "schema_mismatch"
