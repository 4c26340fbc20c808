"""Why a backup cannot be made or restored."""

from core.errors import SensorFlowError


class BackupError(SensorFlowError):
    """The backup cannot be made or restored; the message says why and what to do."""

    code = "backup"
