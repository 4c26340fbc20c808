"""Who may call a route: a rule declared on each handler as data, enforced by one guard."""

from collections.abc import Iterator
from typing import Any, Final, Literal, TypedDict

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityRequirement

from api.auth.authentication import Authenticator
from api.auth.errors import MissingScopeError
from api.auth.tokens import Principal
from api.http.problem_details import PROBLEM_JSON, Problem
from core.scopes import Scope

BEARER = "bearer"
SESSION_COOKIE = "session"

PUBLIC: Final = "public"
AUTHENTICATED: Final = "authenticated"
# The holder of a session's cookie, even when the provider cannot renew its tokens any more.
SESSION_HOLDER: Final = "session-holder"

AccessRule = Scope | Literal["public", "authenticated", "session-holder"]


class Declaration(TypedDict):
    """A handler's access rule and what its documentation says because of it."""

    opt: dict[str, Any]
    security: list[SecurityRequirement]
    responses: dict[int, ResponseSpec]


def access(rule: AccessRule, *refusals: int, from_influxdb: bool = False) -> Declaration:
    """What `rule` adds to a handler; `refusals` are the statuses it may answer with besides.

    `from_influxdb`: its callers are clients of InfluxDB, which have ways of their own to say who
    they are.
    """
    open_to_all = rule == PUBLIC
    statuses = {*refusals, 500} | (set() if open_to_all else {401, 403, 503})
    return {
        "opt": {"access": rule, "from_influxdb": from_influxdb},
        "security": _SECURITY.get(rule, [{BEARER: []}, {SESSION_COOKIE: []}]),
        "responses": {status: _RESPONSES[status] for status in sorted(statuses)},
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
    authenticator: Authenticator = connection.app.state.services.authenticator
    if rule == SESSION_HOLDER:
        connection.scope["user"] = await authenticator.session_holder(connection)
        return
    from_influxdb = handler.opt.get("from_influxdb", False)
    connection.scope["user"] = principal = await authenticator.principal(
        connection, from_influxdb=from_influxdb
    )
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


def _require_scope(principal: Principal, scope: Scope) -> None:
    if scope not in principal.scopes:
        raise MissingScopeError(f"The scope {scope} is missing.", scope=scope)


_SECURITY: dict[str, list[SecurityRequirement]] = {
    PUBLIC: [],
    SESSION_HOLDER: [{SESSION_COOKIE: []}],
}


_RESPONSES = {
    304: ResponseSpec(None, description="What the caller has still holds."),
    414: ResponseSpec(None, description="The URI is longer than 64 KiB: name less equipment."),
} | {
    status: ResponseSpec(
        Problem, description=description, media_type=PROBLEM_JSON, generate_examples=False
    )
    for status, description in {
        400: "The request breaks a rule; code and message say which.",
        401: "Neither an access token that is accepted nor a session that lives.",
        403: "The scope is missing, or a page of another origin caused a write.",
        404: "There is no such thing.",
        406: "In none of the forms that the request accepts.",
        409: "Its state does not allow that; the message says which it is in.",
        413: "The body is too large.",
        415: "The body is of a type that is not read here.",
        422: "Another request has had this Idempotency-Key.",
        429: "Too many failed sign-ins, or too much under way; Retry-After says when to try again.",
        500: "A fault of the server; the log knows more.",
        502: "The identity provider refuses this platform as a client.",
        503: "Database, session or object store, or identity provider are away; try again shortly.",
    }.items()
}
