"""Authorization: each handler declares an access rule as data; one guard enforces it."""

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
# The holder of a session cookie, even when the provider cannot refresh its tokens any more.
SESSION_HOLDER: Final = "session-holder"

# As AUTHENTICATED, or whoever sends the metrics token.
METRICS: Final = "metrics"

BODY_TOO_LARGE: Final = 413
BODY_TOO_SLOW: Final = 408

AccessRule = Scope | Literal["public", "authenticated", "session-holder", "metrics"]


class Declaration(TypedDict):
    """Keyword arguments of a handler: its access rule, and what OpenAPI says because of it."""

    opt: dict[str, Any]
    security: list[SecurityRequirement]
    responses: dict[int, ResponseSpec]


def access(rule: AccessRule, *error_statuses: int, influxdb: bool = False) -> Declaration:
    """What `rule` adds to a handler's declaration.

    `error_statuses` are documented besides those that every handler of this rule may return.
    `influxdb`: the ways in which clients of InfluxDB authenticate are accepted too.
    """
    is_public = rule == PUBLIC
    statuses = {*error_statuses, 500} | (set() if is_public else {401, 403, 503})
    if BODY_TOO_LARGE in statuses:
        statuses.add(BODY_TOO_SLOW)
    return {
        "opt": {"access": rule, "influxdb": influxdb},
        "security": _SECURITY.get(rule, [{BEARER: []}, {SESSION_COOKIE: []}]),
        "responses": {status: _RESPONSES[status] for status in sorted(statuses)},
    }


async def enforce_access(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Authenticate and authorize the caller, or raise; a handler without a rule admits nobody."""
    if connection.scope.get("method") == "OPTIONS":  # answered by the framework: methods, no data
        return
    rule: AccessRule = handler.opt["access"]
    if rule == PUBLIC:
        return
    authenticator: Authenticator = connection.app.state.services.authenticator
    if rule == SESSION_HOLDER:
        connection.scope["user"] = await authenticator.authenticate_session_holder(connection)
        return
    if rule == METRICS and authenticator.has_metrics_token(connection):
        return
    influxdb: bool = handler.opt.get("influxdb", False)
    connection.scope["user"] = principal = await authenticator.authenticate(
        connection, influxdb=influxdb
    )
    if isinstance(rule, Scope):
        _require_scope(principal, rule)


def handlers_without_rule(app: Litestar) -> Iterator[str]:
    """Names of the handlers that declare no access rule."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            methods: set[str] = getattr(handler, "http_methods", set())
            if methods != {"OPTIONS"} and "access" not in handler.opt:
                yield str(handler)


def require_rules(app: Litestar) -> None:
    """Raise ImproperlyConfiguredException if a handler declares no access rule."""
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
    304: ResponseSpec(None, description="The caller's copy is still current."),
    414: ResponseSpec(None, description="The URI is longer than 64 KiB: name less equipment."),
} | {
    status: ResponseSpec(
        Problem, description=description, media_type=PROBLEM_JSON, generate_examples=False
    )
    for status, description in {
        400: "The request breaks a rule; code and message say which.",
        401: "No valid access token and no live session.",
        403: "The scope is missing, or a page of another origin sent the write.",
        404: "Not found.",
        406: "Not available in a media type that the request accepts.",
        408: "The body arrives more slowly than the server waits.",
        409: "The state of the resource does not allow that; the message names it.",
        413: "The body is too large.",
        415: "The media type of the body is not supported.",
        422: "This Idempotency-Key was used with another request, or the file cannot be previewed.",
        429: "Too many failed sign-ins or requests in flight; Retry-After says when to try again.",
        500: "Internal error; see the server's log.",
        502: "The identity provider rejects this platform as a client.",
        503: "Database, session store, object store or identity provider unavailable; try again.",
    }.items()
}
