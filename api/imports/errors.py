from core.errors import SensorFlowError


class FileRequiredError(SensorFlowError):
    """The request carries no form field `file` with a file in it."""

    code = "file_required"


class NotCsvError(SensorFlowError):
    """The file's name ends in none of the extensions that are read."""

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


class FileTooLargeError(SensorFlowError):
    """The file is larger than allowed, or than was announced."""

    code = "body_too_large"


class WrongSizeError(SensorFlowError):
    """Fewer bytes arrived than were announced."""

    code = "wrong_size"


class WrongChecksumError(SensorFlowError):
    """Other bytes arrived than were announced."""

    code = "wrong_checksum"


class UploadMissingError(SensorFlowError):
    """The import is to be completed, but its file has not been sent."""

    code = "upload_missing"


class UploadUrlsOffError(SensorFlowError):
    """The storage signs no URLs, and no secret is set for signing our own."""

    code = "upload_urls_off"


class BadSignatureError(SensorFlowError):
    """The URL was not signed by this server, or has been changed since."""

    code = "bad_signature"


class UploadUrlExpiredError(SensorFlowError):
    """The URL was good for a time that is over."""

    code = "upload_url_expired"


class NotYourImportError(SensorFlowError):
    """Somebody else asked for this upload."""

    code = "not_your_import"


class MalformedRejectsError(SensorFlowError):
    """The file is not a list of rejected rows as it was given out."""

    code = "malformed_rejects"


class ForeignRejectsError(SensorFlowError):
    """The file is the list of another import."""

    code = "foreign_rejects"


class NeverRejectedError(SensorFlowError):
    """The file has a line that this import has not rejected."""

    code = "never_rejected"
