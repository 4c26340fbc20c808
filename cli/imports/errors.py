"""Why a file was not imported, where neither the database nor its contents are to blame."""

from core.errors import SensorFlowError


class ServerUnreachableError(SensorFlowError):
    """The server does not answer, or not as a Sensor Flow server does."""

    code = "server_unreachable"


class AccessRefusedError(SensorFlowError):
    """The provider gives us no token, or the server does not take it."""

    code = "access_refused"


class FileRefusedError(SensorFlowError):
    """The server did not take the file; `code` is the server's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FileUnreadableError(SensorFlowError):
    """The file cannot be read, or is not the same to its end."""

    code = "file_unreadable"


class RejectsNotSavedError(SensorFlowError):
    """The import is done, but its rejected rows could not be written beside the file."""

    code = "rejects_not_saved"


class GivenUpError(SensorFlowError):
    """An import was tried in this process, and tried again, and did not get on."""

    code = "given_up"


class MisuseError(SensorFlowError):
    """Settings and command line do not say what to do: where rows go, who sends them, how."""

    code = "misuse"
