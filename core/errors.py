"""The one error tree. Each error has a stable code and a plain sentence that names the remedy.

An error knows nothing of HTTP: api/http/problem_details.py maps codes to statuses in one table.
"""


class SensorFlowError(Exception):
    """Something that Sensor Flow refuses or cannot do; the message says what to do about it."""

    code: str = "internal_error"  # a class that stands for many codes sets its instance's

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def detail(self) -> str:
        """The message, and for an error whose message clients compare, what it leaves out."""
        return self.message


class SettingError(SensorFlowError):
    """Settings are missing or invalid; the message has a line for each variable."""

    code = "invalid_setting"


class DatabaseUnavailableError(SensorFlowError):
    """The database does not answer; what was in progress may be stored or not; send it again."""

    code = "database_unavailable"


class DatabaseFullError(DatabaseUnavailableError):
    """The disk of the database server is full: nothing is stored until there is space."""

    code = "database_full"


class DatabaseOverloadedError(SensorFlowError):
    """The server has no memory or no connection left; nothing was stored."""

    code = "database_overloaded"


class DatabaseRefusedError(SensorFlowError):
    """The server answers but refuses the login: wrong user, password or database name."""

    code = "database_refused"


class UnsupportedDatabaseError(SensorFlowError):
    """The server lacks TimescaleDB or its Community features."""

    code = "unsupported_database"


class ImportNotFoundError(SensorFlowError):
    """No import has this id."""

    code = "import_not_found"


class StorageError(SensorFlowError):
    """The object store cannot be reached or lacks the object."""

    code = "storage_unavailable"


class ObjectMissingError(StorageError):
    """The object store answers and lacks the object, so a retry is useless."""


class ObjectReplacedError(StorageError):
    """The object store has another object under the key of the expected one."""


class RowsMissingError(SensorFlowError):
    """After a batch the table does not hold what was written to it; the batch is rolled back."""

    code = "rows_missing"


class ReadingRejectedError(SensorFlowError):
    """A reading that breaks a rule of core/readings.py; `code` is the rule's."""

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message, **details)
        self.code = code
