from core.errors import SensorFlowError


class FileRequiredError(SensorFlowError):
    """The request carries no form field `file` with a file in it."""

    code = "file_required"


class NotCsvError(SensorFlowError):
    """The file's name ends neither in .csv nor in .csv.gz."""

    code = "not_csv"


class EmptyFileError(SensorFlowError):
    """The file has no bytes."""

    code = "empty_file"


class MalformedFormError(SensorFlowError):
    """The body is not multipart/form-data as announced, or it ends too early."""

    code = "malformed_form"


class ImportStateError(SensorFlowError):
    """The import is past the point at which it could be cancelled, or has nothing to retry."""

    code = "import_state"
