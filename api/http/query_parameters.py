"""Parameters of a query string, declared once: parsing and the OpenAPI document both follow.

Parsing is strict: unknown and repeated parameters are refused, and each invalid one is named.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.http.parsers import Member, enum_parser, printable
from api.http.problem_details import FieldProblem, InvalidRequestError

TEXT_SCHEMA = Schema(type=OpenAPIType.STRING)
TIMESTAMP_SCHEMA = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)

Value = TypeVar("Value")
Default = TypeVar("Default")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryParameter(Generic[Value]):
    """A parameter: how its text is parsed, its value without one, and how it is documented.

    `parse` gets name and text and raises InvalidRequestError. The `schema` documents a default only
    if it holds one.
    """

    name: str
    parse: Callable[[str, str], Value]
    default: Value
    schema: Schema
    description: str
    repeatable: bool = False


def enum_schema(names: Iterable[str], default: str | None = None) -> Schema:
    """One of these texts."""
    return Schema(type=OpenAPIType.STRING, enum=list(names), default=default)


def array_schema(items: Schema, max_items: int) -> Schema:
    """An array of at least one item."""
    return Schema(type=OpenAPIType.ARRAY, items=items, min_items=1, max_items=max_items)


def enum_parameter(
    name: str,
    kind: type[Member],
    description: str,
    default: Default,
    *,
    documents_default: bool = False,
) -> QueryParameter[Member | Default]:
    """A parameter that is a member of `kind`."""
    schema = enum_schema(kind, str(default) if documents_default else None)
    return QueryParameter(
        name=name,
        parse=enum_parser(kind),
        default=default,
        schema=schema,
        description=description,
    )


class Parameters:
    """The parameters of one request, and the problems collected while they are parsed."""

    def __init__(
        self, pairs: Sequence[tuple[str, str]], declared: Sequence[QueryParameter[Any]]
    ) -> None:
        self._texts: dict[str, list[str]] = {}
        for name, text in pairs:
            self._texts.setdefault(name, []).append(text)
        known = {parameter.name for parameter in declared}
        unknown = [_unknown(name) for name in self._texts if name not in known]
        single = [parameter for parameter in declared if not parameter.repeatable]
        repeated = [_repeated(one.name) for one in single if len(self.texts(one)) > 1]
        self._problems = unknown + repeated

    def texts(self, parameter: QueryParameter[Any]) -> list[str]:
        """Every text given for the parameter; empty, and so false, if it is not given."""
        return self._texts.get(parameter.name, [])

    def read(self, parameter: QueryParameter[Value]) -> Value:
        """The parsed value of the parameter; its default if it is not given or invalid."""
        texts = self.texts(parameter)
        if not texts:
            return parameter.default
        return self.attempt(lambda: parameter.parse(parameter.name, texts[0]), parameter.default)

    def read_all(self, parameter: QueryParameter[Value]) -> list[Value]:
        """The parsed values of a repeatable parameter; its default alone if it is not given.

        Raises InvalidRequestError.
        """
        values = [parameter.parse(parameter.name, text) for text in self.texts(parameter)]
        return values or [parameter.default]

    def attempt(self, parse: Callable[[], Value], default: Value) -> Value:
        """What `parse` returns; the default if it raises InvalidRequestError.

        The error's problems are collected for `check`.
        """
        try:
            return parse()
        except InvalidRequestError as error:
            self._problems += error.problems
            return default

    def check(self) -> None:
        """Raise InvalidRequestError with every problem collected so far."""
        if self._problems:
            raise InvalidRequestError(self._problems)


def _unknown(name: str) -> FieldProblem:
    name = printable(name)
    return FieldProblem(name, "unknown_parameter", f"{name} is not a known parameter")


def _repeated(name: str) -> FieldProblem:
    return FieldProblem(name, "repeated_parameter", f"{name} is given twice")
