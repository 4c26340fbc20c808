from collections.abc import Sequence

from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 2


class FileRequiredError(SensorFlowError):
    """The request carries no form field `file` with a file in it."""

    code = "file_required"


class NotCsvError(SensorFlowError):
    """The file's name has none of the supported `extensions`; clients know the message."""

    code = "not_csv"

    def __init__(self, extensions: Sequence[str]) -> None:
        super().__init__("Only CSV files are allowed")
        self.extensions = extensions

    @property
    def detail(self) -> str:
        """The message and the endings that are accepted."""
        *others, last = self.extensions
        return f"{self.message}: the name must end in {', '.join(others)} or {last}."


class EmptyFileError(SensorFlowError):
    """The file has no bytes."""

    code = "empty_file"


class MalformedFormError(SensorFlowError):
    """The body is not the multipart/form-data that its header declares, or it is truncated."""

    code = "malformed_form"


class ImportStateError(SensorFlowError):
    """The import's state does not allow the requested transition."""

    code = "import_state"


class FileTooLargeError(SensorFlowError):
    """The file is larger than allowed, or than the client declared."""

    code = "body_too_large"


class WrongSizeError(SensorFlowError):
    """Fewer bytes arrived than the client declared."""

    code = "wrong_size"


class WrongChecksumError(SensorFlowError):
    """The file has another checksum than the client declared."""

    code = "wrong_checksum"


class UploadMissingError(SensorFlowError):
    """The import cannot be completed: its file has not been sent."""

    code = "upload_missing"


class UploadUrlsOffError(SensorFlowError):
    """The storage cannot sign URLs, and no secret is set for the server to sign its own."""

    code = "upload_urls_off"


class BadSignatureError(SensorFlowError):
    """The URL's signature is not one of this server for these parameters."""

    code = "bad_signature"


class UploadUrlExpiredError(SensorFlowError):
    """The upload URL has expired."""

    code = "upload_url_expired"


class NotYourImportError(SensorFlowError):
    """Another user created this upload."""

    code = "not_your_import"


class MalformedRejectsError(SensorFlowError):
    """The file is not a list of rejected rows in the format of GET .../rejects."""

    code = "malformed_rejects"


class ForeignRejectsError(SensorFlowError):
    """The file is the list of rejected rows of another import."""

    code = "foreign_rejects"


class NeverRejectedError(SensorFlowError):
    """The file has a line that this import has never rejected."""

    code = "never_rejected"


class TooManyPreviewsError(SensorFlowError):
    """As many previews are being made as a server makes at a time."""

    code = "too_many_previews"

    def __init__(self) -> None:
        super().__init__(
            "Too many previews are being made at the moment. Ask again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class PreviewFailedError(SensorFlowError):
    """The process that makes the preview has ended without one, or takes too long."""

    code = "preview_failed"

    def __init__(self) -> None:
        super().__init__(
            "The first rows of the file take more time or memory to read than a preview may. It "
            "may be imported all the same: give the options yourself, or send a part of it."
        )
