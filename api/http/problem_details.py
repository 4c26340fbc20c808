"""RFC 9457 problem details: the document, its errors with many fields, the table of statuses.

Nothing here needs the framework, so that `sensorflow import --help` does not wait for it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from msgspec import UNSET, Struct, UnsetType

from core.errors import SensorFlowError
from core.readings import RejectCode

PROBLEM_JSON = "application/problem+json"

# Codes are stable: clients may branch on them. Their statuses are decided here and nowhere else.
STATUSES: dict[str, HTTPStatus] = {
    "bad_request": HTTPStatus.BAD_REQUEST,
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "malformed_form": HTTPStatus.BAD_REQUEST,
    "malformed_encoding": HTTPStatus.BAD_REQUEST,
    "validation_error": HTTPStatus.BAD_REQUEST,
    "unknown_field": HTTPStatus.BAD_REQUEST,
    "repeated_field": HTTPStatus.BAD_REQUEST,
    "unknown_parameter": HTTPStatus.BAD_REQUEST,
    "repeated_parameter": HTTPStatus.BAD_REQUEST,
    "range_too_long": HTTPStatus.BAD_REQUEST,
    "invalid_interval": HTTPStatus.BAD_REQUEST,
    "unsupported_query": HTTPStatus.BAD_REQUEST,
    "invalid_cursor": HTTPStatus.BAD_REQUEST,
    "file_required": HTTPStatus.BAD_REQUEST,
    "not_csv": HTTPStatus.BAD_REQUEST,
    "empty_file": HTTPStatus.BAD_REQUEST,
    "wrong_size": HTTPStatus.BAD_REQUEST,
    "wrong_checksum": HTTPStatus.BAD_REQUEST,
    "malformed_rejects": HTTPStatus.BAD_REQUEST,
    "foreign_rejects": HTTPStatus.BAD_REQUEST,
    "never_rejected": HTTPStatus.BAD_REQUEST,
    **dict.fromkeys(RejectCode, HTTPStatus.BAD_REQUEST),
    "missing_credentials": HTTPStatus.BAD_REQUEST,
    "wrong_credentials": HTTPStatus.BAD_REQUEST,
    "invalid_return_path": HTTPStatus.BAD_REQUEST,
    "invalid_sign_in": HTTPStatus.BAD_REQUEST,
    "invalid_logout_token": HTTPStatus.BAD_REQUEST,
    "missing_token": HTTPStatus.UNAUTHORIZED,
    "session_ended": HTTPStatus.UNAUTHORIZED,
    "invalid_token": HTTPStatus.UNAUTHORIZED,
    "expired_token": HTTPStatus.UNAUTHORIZED,
    "authorization_failed": HTTPStatus.UNAUTHORIZED,
    "missing_scope": HTTPStatus.FORBIDDEN,
    "cross_origin": HTTPStatus.FORBIDDEN,
    "password_login_off": HTTPStatus.FORBIDDEN,
    "sign_in_denied": HTTPStatus.FORBIDDEN,
    "bad_signature": HTTPStatus.FORBIDDEN,
    "upload_url_expired": HTTPStatus.FORBIDDEN,
    "upload_urls_off": HTTPStatus.FORBIDDEN,
    "not_your_import": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "import_not_found": HTTPStatus.NOT_FOUND,
    "equipment_not_found": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "not_acceptable": HTTPStatus.NOT_ACCEPTABLE,
    "body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "import_state": HTTPStatus.CONFLICT,
    "upload_missing": HTTPStatus.CONFLICT,
    RejectCode.CONFLICT: HTTPStatus.CONFLICT,
    "idempotency_key_in_use": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "preview_failed": HTTPStatus.UNPROCESSABLE_ENTITY,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_readings": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_many_failures": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_exports": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_streams": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_previews": HTTPStatus.TOO_MANY_REQUESTS,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "unsupported_database": HTTPStatus.INTERNAL_SERVER_ERROR,
    "database_refused": HTTPStatus.INTERNAL_SERVER_ERROR,
    "identity_provider_refused": HTTPStatus.BAD_GATEWAY,
    "database_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "database_overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "database_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "identity_provider_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "session_store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "rows_missing": HTTPStatus.SERVICE_UNAVAILABLE,
}


class FieldProblem(Struct, frozen=True):
    """What is wrong with one field or parameter; the message starts with its name.

    In a batch, `index` is the place of its row, from 0.
    """

    field: str
    code: str
    message: str
    index: int | UnsetType = UNSET


class Problem(Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details, with a stable `code` and the `message` that clients know."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str | list[str]
    errors: list[FieldProblem] | UnsetType = UNSET
    read: int | UnsetType = UNSET
    rejected: int | UnsetType = UNSET


class InvalidRequestError(SensorFlowError):
    """Invalid fields or parameters, each named; a single problem's code is the error's own."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = list(problems)
        if len(problems) == 1:
            self.code = problems[0].code
        else:
            self.code = "validation_error"


class RejectedBatchError(SensorFlowError):
    """Of `read` rows so many are `rejected`, the first of them named; nothing was stored.

    `codes` counts them by code; a single code is the error's own.
    """

    def __init__(
        self,
        codes: Mapping[str, int],
        problems: Sequence[FieldProblem],
        *,
        read: int,
        rejected: int,
    ) -> None:
        super().__init__(f"{rejected} of {read} readings are refused; nothing was stored.")
        self.code = next(iter(codes)) if len(codes) == 1 else "validation_error"
        self.codes = codes
        self.problems = list(problems)
        self.read = read
        self.rejected = rejected


class UnsupportedMediaTypeError(SensorFlowError):
    """The route does not accept bodies of this type."""

    code = "unsupported_media_type"
