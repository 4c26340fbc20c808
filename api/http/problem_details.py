"""Every error as RFC 9457 problem details: one table of statuses, one place that maps."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, Struct, UnsetType

from api.http.request_id import current_request_id
from core.errors import SensorFlowError
from core.readings import RejectCode

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "2"

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
    "import_state": HTTPStatus.CONFLICT,
    "upload_missing": HTTPStatus.CONFLICT,
    RejectCode.CONFLICT: HTTPStatus.CONFLICT,
    "idempotency_key_in_use": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_readings": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_many_failures": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_exports": HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_streams": HTTPStatus.TOO_MANY_REQUESTS,
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

# The framework's own errors by their status; any other status below 500 is bad_request.
FRAMEWORK_CODES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}

logger = structlog.get_logger()


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


def on_sensorflow_error(
    request: Request[Any, Any, Any], error: SensorFlowError
) -> Response[Problem]:
    """An error of our own tree, by its code."""
    if isinstance(error, InvalidRequestError):
        return _invalid(error.problems, error.code)
    if isinstance(error, RejectedBatchError):
        counts = {"read": error.read, "rejected": error.rejected}
        return _response(error.code, error.message, {}, error.problems, **counts)
    if STATUSES[error.code] == HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    if STATUSES[error.code] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("refused", code=error.code, cause=repr(error.__cause__))
    return _response(error.code, error.message, _headers(error))


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """An error of the framework: routing, limits, parameters that do not parse."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    if isinstance(error.extra, list) and error.extra:
        return _invalid([_parameter_problem(entry) for entry in error.extra])
    code = FRAMEWORK_CODES.get(error.status_code, "bad_request")
    return _response(code, f"{error.detail}.", error.headers or {})


def on_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """An internal error: its details go to the log only, under the request's id."""
    logger.error("unexpected", exc_info=error)
    return _response(
        "internal_error",
        f"Something went wrong here. It is in the log under {current_request_id()}.",
        {},
    )


HANDLERS: ExceptionHandlersMap = {
    SensorFlowError: on_sensorflow_error,
    HTTPException: on_http_exception,
    Exception: on_unexpected,
}


def _invalid(problems: list[FieldProblem], code: str = "validation_error") -> Response[Problem]:
    messages = [problem.message for problem in problems]
    return _response(code, messages if len(messages) > 1 else messages[0], {}, problems)


def _parameter_problem(entry: dict[str, str]) -> FieldProblem:
    field = entry.get("key", "request")
    return FieldProblem(field, "validation_error", f"{field}: {entry['message']}")


def _headers(error: SensorFlowError) -> dict[str, str]:
    match STATUSES[error.code]:
        case HTTPStatus.UNAUTHORIZED if error.code in {"missing_token", "session_ended"}:
            return {"WWW-Authenticate": "Bearer"}
        case HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        case HTTPStatus.FORBIDDEN if error.code == "missing_scope":
            scope = error.details["scope"]
            return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        case HTTPStatus.TOO_MANY_REQUESTS:
            return {"Retry-After": str(error.details["retry_after_seconds"])}
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": RETRY_AFTER_SECONDS}
        case _:
            return {}


def _response(
    code: str,
    message: str | list[str],
    headers: dict[str, str],
    errors: list[FieldProblem] | UnsetType = UNSET,
    **counts: int,
) -> Response[Problem]:
    status = int(STATUSES[code])
    problem = Problem(
        type=f"urn:sensorflow:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=message if isinstance(message, str) else "; ".join(message),
        instance=f"urn:sensorflow:request:{current_request_id()}",
        code=code,
        message=message,
        errors=errors,
        **counts,
    )
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=headers)
