"""From the bytes of a request to the members of a JSON object, with no number rounded away."""

import json
import math
import re
import sys
from typing import Any

from api.http.parsers import printable
from api.http.problem_details import FieldProblem, InvalidRequestError
from core.errors import SensorFlowError
from core.readings import NONZERO_DIGIT

NONZERO = re.compile(NONZERO_DIGIT)


class MalformedJsonError(SensorFlowError):
    """The body is not JSON in UTF-8."""

    code = "malformed_json"


def parse_json_object(body: bytes) -> dict[str, Any]:
    """The members of the one object that `body` is.

    Every number is a float. One that would overflow to infinity comes back as the largest float,
    one that would underflow to zero as the smallest: both break every rule for numbers, so the
    error names their field like any other's.
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


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({printable(name) for name in members if names.count(name) > 1})
        raise InvalidRequestError(
            [FieldProblem(name, "repeated_field", f"{name} is given twice") for name in repeated]
        )
    return members


def _parse_number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        return math.copysign(sys.float_info.max, number)
    if number == 0 and NONZERO.search(text):
        return math.copysign(math.ulp(0), number)
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_int=_parse_number, parse_float=_parse_number
)
