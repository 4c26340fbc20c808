"""The errors that end an attempt at a job."""

import asyncpg

from core.errors import SensorFlowError

# Faults of the worker's surroundings, which pass; any other exception is a bug.
EXPECTED = (SensorFlowError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

# What TimescaleDB raises in maintenance that meets another session's work on the same chunk: a
# refresh that overlaps a policy's (55P03), a compression beside a write (40001). Worth a retry.
CONFLICTS = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class FileFaultError(SensorFlowError):
    """The file itself is at fault: the import fails, and a retry would fail the same way."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LeaseLostError(SensorFlowError):
    """Another worker has begun a later attempt, or the import has ended: write nothing more."""

    code = "lease_lost"


class WorkerStoppingError(SensorFlowError):
    """The worker is shutting down; the next one continues after the last committed batch."""

    code = "worker_stopping"


class TurnLateError(SensorFlowError):
    """A batch waited too long, with rows locked, for the one before it: that may wait for it."""

    code = "turn_late"


class RollupMismatchError(SensorFlowError):
    """A rollup differs from its rows even after a forced refresh; its ledger rows stay."""

    code = "rollup_mismatch"


class SchemaMismatchError(SensorFlowError):
    """The database is not at the revision this worker is written for."""

    code = "schema_mismatch"
