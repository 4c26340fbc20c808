"""Every error as a response of problem details: one place that maps."""

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, UnsetType

from api.http.problem_details import (
    PROBLEM_JSON,
    STATUSES,
    FieldProblem,
    InvalidRequestError,
    Problem,
    RejectedBatchError,
)
from api.http.request_id import current_request_id
from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = "2"

# The framework's own errors by their status; any other status below 500 is bad_request.
FRAMEWORK_CODES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}

logger = structlog.get_logger()


def on_sensorflow_error(
    request: Request[Any, Any, Any], error: SensorFlowError
) -> Response[Problem]:
    """An error of our own tree, by its code."""
    if isinstance(error, InvalidRequestError):
        return _invalid(error.problems, error.code)
    if isinstance(error, RejectedBatchError):
        return _response(
            error.code,
            error.message,
            {},
            error.problems,
            read=error.read,
            rejected=error.rejected,
        )
    if STATUSES[error.code] == HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    if STATUSES[error.code] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("refused", code=error.code, cause=repr(error.__cause__))
    return _response(error.code, error.message, _headers(error), detail=error.detail)


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


def on_too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[Problem]:
    """A body that the framework decodes, nested too deeply: nothing of ours recurses by itself."""
    return _response("malformed_json", "The body is nested too deeply.", {})


HANDLERS: ExceptionHandlersMap = {
    RecursionError: on_too_deep,
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


def _response(  # noqa: PLR0913  # the fields of the document
    code: str,
    message: str | list[str],
    headers: dict[str, str],
    errors: list[FieldProblem] | UnsetType = UNSET,
    *,
    detail: str | None = None,
    read: int | UnsetType = UNSET,
    rejected: int | UnsetType = UNSET,
) -> Response[Problem]:
    status = int(STATUSES[code])
    problem = Problem(
        type=f"urn:sensorflow:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail or (message if isinstance(message, str) else "; ".join(message)),
        instance=f"urn:sensorflow:request:{current_request_id()}",
        code=code,
        message=message,
        errors=errors,
        read=read,
        rejected=rejected,
    )
    return Response(problem, status_code=status, media_type=PROBLEM_JSON, headers=headers)
