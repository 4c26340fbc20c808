"""What an import is: its states, as stored in the table imports and as told over HTTP."""

from enum import StrEnum


class ImportState(StrEnum):
    """Where an import is in its life. `done` means: its rows are visible in every rollup."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    LOADING = "loading"
    AGGREGATING = "aggregating"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED})
CANCELLABLE = frozenset({ImportState.AWAITING_UPLOAD, ImportState.QUEUED, ImportState.LOADING})
RETRIABLE = frozenset({ImportState.FAILED, ImportState.CANCELLED})
