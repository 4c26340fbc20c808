"""What a write is answered with, in the words that clients of each version of InfluxDB know."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.types import ExceptionHandlersMap
from msgspec.structs import asdict

from api.http.error_handlers import HANDLERS
from api.http.problem_details import FieldProblem, Problem, RejectedBatchError
from api.readings.schemas import Account

SKIPPED_FIELDS = "Sensorflow-Skipped-Fields"
MAX_TOLD_ERRORS = 10
PARTIAL_WRITE_3 = "partial write of line protocol occurred"
NOTHING_STORED_3 = "parsing failed for write_lp endpoint"

AnyRequest = Request[Any, Any, Any]
ProblemHandler = Callable[[AnyRequest, Any], Response[Problem]]


class ProblemOf1(Problem, frozen=True, kw_only=True):
    """A problem with the member that clients of InfluxDB 1 log."""

    error: str


class PartialWriteError(Exception):
    """Some fields are stored and some are rejected."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.account = account

    @property
    def message(self) -> str:
        """The first errors, how many more there are, and how many fields are not stored."""
        account = self.account
        errors = [f"line {error.index}: {error.message}" for error in account.errors]
        told = "; ".join(errors[:MAX_TOLD_ERRORS])
        return f"partial write: {told}{_more(account.rejected)} dropped={account.rejected}"


def stored(account: Account) -> Response[None]:
    """All fields are stored but those that a header counts. Raises PartialWriteError if not."""
    if account.rejected:
        raise PartialWriteError(account)
    return Response(None, status_code=int(HTTPStatus.NO_CONTENT), headers=_skipped_fields(account))


def on_partial_write_1(_request: AnyRequest, error: PartialWriteError) -> Response[dict[str, str]]:
    """As InfluxDB 1 reports it."""
    return _bad_request({"error": error.message}, error)


def on_partial_write_2(_request: AnyRequest, error: PartialWriteError) -> Response[dict[str, str]]:
    """As InfluxDB 2 reports it."""
    return _bad_request({"code": "invalid", "message": error.message}, error)


def on_partial_write_3(_request: AnyRequest, error: PartialWriteError) -> Response[dict[str, Any]]:
    """As InfluxDB 3 reports it: it counts lines from 1."""
    account = error.account
    return _bad_request(_errors_3(PARTIAL_WRITE_3, account.errors, account.rejected), error)


def on_rejected_batch_3(
    _request: AnyRequest, error: RejectedBatchError
) -> Response[dict[str, Any]]:
    """As InfluxDB 3 reports it where partial writes are not accepted."""
    body = _errors_3(NOTHING_STORED_3, error.problems, error.rejected)
    return Response(body, status_code=int(HTTPStatus.BAD_REQUEST))


def as_influxdb_1(handler: ProblemHandler) -> ProblemHandler:
    """The handler's response with the member `error`, and with 503 where there is a 429.

    The clients of InfluxDB 1 give up what a 4xx refuses and send again what a 5xx does.
    """

    def handle(request: AnyRequest, error: Exception) -> Response[Problem]:
        response = handler(request, error)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.status_code = int(HTTPStatus.SERVICE_UNAVAILABLE)
        members = asdict(response.content) | {"status": response.status_code}
        response.content = ProblemOf1(**members, error=response.content.detail)
        return response

    return handle


def _errors_3(summary: str, problems: Iterable[FieldProblem], rejected: int) -> dict[str, Any]:
    told = sorted((int(problem.index or 0) + 1, problem.message) for problem in problems)
    return {
        "error": summary + _more(rejected),
        "data": [
            {"line_number": line, "error_message": message}
            for line, message in told[:MAX_TOLD_ERRORS]
        ],
    }


def _more(rejected: int) -> str:
    more = rejected - MAX_TOLD_ERRORS
    return f"; and {more} more" if more > 0 else ""


def _bad_request(body: dict[str, Any], error: PartialWriteError) -> Response[dict[str, Any]]:
    status = int(HTTPStatus.BAD_REQUEST)
    return Response(body, status_code=status, headers=_skipped_fields(error.account))


def _skipped_fields(account: Account) -> dict[str, str]:
    return {SKIPPED_FIELDS: str(account.skipped)} if account.skipped else {}


INFLUXDB_1: ExceptionHandlersMap = {
    **{kind: as_influxdb_1(handler) for kind, handler in HANDLERS.items()},
    PartialWriteError: on_partial_write_1,
}
INFLUXDB_2: ExceptionHandlersMap = {PartialWriteError: on_partial_write_2}
INFLUXDB_3: ExceptionHandlersMap = {
    PartialWriteError: on_partial_write_3,
    RejectedBatchError: on_rejected_batch_3,
}
