"""From the bytes of a request to the members of a JSON object, nothing lost on the way."""

import json
from typing import Any

from api.problems import FieldProblem, InvalidRequestError
from core.errors import SensorFlowError

# A float holds every integer of fewer digits.
MAX_INTEGER_DIGITS = 300


class MalformedJsonError(SensorFlowError):
    """The body is not JSON in UTF-8."""

    code = "malformed_json"


def json_object(body: bytes) -> dict[str, Any]:
    """The members of the one object that `body` is.

    Numbers out of a float's range come back infinite, so that the field can be named later.
    Raises MalformedJsonError, or InvalidRequestError when it is no object or repeats a name.
    """
    try:
        value = _decoder.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedJsonError("The body is not JSON in UTF-8.") from error
    if not isinstance(value, dict):
        raise InvalidRequestError(
            [FieldProblem("body", "validation_error", "body must be a JSON object")]
        )
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise InvalidRequestError(
            [FieldProblem(name, "repeated_field", f"{name} is given twice") for name in repeated]
        )
    return members


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)


_decoder = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer)
