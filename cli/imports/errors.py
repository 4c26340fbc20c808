"""Why a file was not imported, other than for the database or the file's contents."""

from core.errors import SensorFlowError


class ServerUnreachableError(SensorFlowError):
    """The server does not answer, or not as a Sensor Flow server does."""

    code = "server_unreachable"


class AccessRefusedError(SensorFlowError):
    """The identity provider issues no token, or the server does not accept it."""

    code = "access_refused"


class FileRefusedError(SensorFlowError):
    """The server did not accept the file; `code` is the server's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FileUnreadableError(SensorFlowError):
    """The file cannot be read, or changed while it was read."""

    code = "file_unreadable"


class RejectsNotSavedError(SensorFlowError):
    """The import is done, but its rejected rows could not be written beside the file."""

    code = "rejects_not_saved"


class RetriesExhaustedError(SensorFlowError):
    """An import in this process failed again after every retry."""

    code = "given_up"


class UsageError(SensorFlowError):
    """Settings or command line are wrong or incomplete: destination, credentials or options."""

    code = "misuse"
