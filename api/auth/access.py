"""Who may call a route: a rule declared on each handler as data, enforced by one guard."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, Literal, TypedDict

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityRequirement

from api.auth.errors import MissingScopeError, MissingTokenError
from api.auth.tokens import Principal, TokenVerifier
from api.problems import PROBLEM_JSON, Problem

BEARER = "bearer"


class Scope(StrEnum):
    """What a token may allow."""

    READINGS_WRITE = "readings:write"
    READINGS_READ = "readings:read"
    IMPORTS_WRITE = "imports:write"
    IMPORTS_READ = "imports:read"
    ADMIN = "admin"


PUBLIC: Final = "public"
AUTHENTICATED: Final = "authenticated"

AccessRule = Scope | Literal["public", "authenticated"]


class Declaration(TypedDict):
    """A handler's access rule and what its documentation says because of it."""

    opt: dict[str, Any]
    security: list[SecurityRequirement]
    responses: dict[int, ResponseSpec]


def access(rule: AccessRule, *refusals: int) -> Declaration:
    """What `rule` adds to a handler; `refusals` are the statuses it may answer with besides."""
    open_to_all = rule == PUBLIC
    statuses = {*refusals, 500} | (set() if open_to_all else {401, 403, 503})
    return {
        "opt": {"access": rule},
        "security": [] if open_to_all else [{BEARER: []}],
        "responses": {status: _PROBLEM_RESPONSES[status] for status in sorted(statuses)},
    }


async def enforce_access(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let the caller through or raise; a handler without a rule lets nobody through."""
    if connection.scope.get("method") == "OPTIONS":  # answered by the framework: methods, no data
        return
    rule: AccessRule = handler.opt["access"]
    if rule == PUBLIC:
        return
    verifier: TokenVerifier = connection.app.state.services.verifier
    principal = await verifier.verify(_bearer_token(connection))
    connection.scope["user"] = principal
    if rule != AUTHENTICATED:
        _require_scope(principal, rule)


def handlers_without_rule(app: Litestar) -> Iterator[str]:
    """The handlers that declare no access rule, by name."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            methods: set[str] = getattr(handler, "http_methods", set())
            if methods != {"OPTIONS"} and "access" not in handler.opt:
                yield str(handler)


def require_rules(app: Litestar) -> None:
    """Refuse to build an application in which a handler declares no access rule."""
    if missing := sorted(handlers_without_rule(app)):
        message = f"These handlers declare no access rule: {', '.join(missing)}"
        raise ImproperlyConfiguredException(message)


def _bearer_token(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MissingTokenError("Send an access token: Authorization: Bearer <token>.")
    return token.strip()


def _require_scope(principal: Principal, scope: str) -> None:
    if scope not in principal.scopes:
        raise MissingScopeError(f"The token lacks the scope {scope}.", scope=scope)


_PROBLEM_RESPONSES = {
    status: ResponseSpec(
        Problem, description=description, media_type=PROBLEM_JSON, generate_examples=False
    )
    for status, description in {
        400: "The request breaks a rule; code and message say which.",
        401: "No access token, or one that is not accepted.",
        403: "The token lacks the scope.",
        404: "There is no such thing.",
        413: "The body is too large.",
        415: "The body is of a type that is not read here.",
        429: "Too much is under way; try again shortly.",
        500: "A fault of the server; the log knows more.",
        503: "Database, object store or identity provider are away; try again shortly.",
    }.items()
}
