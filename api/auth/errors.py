"""Errors of authentication, authorization and sign-in."""

from core.errors import SensorFlowError


class NotSignedInError(SensorFlowError):
    """The request is not authenticated; each subclass has a code of its own."""


class MissingTokenError(NotSignedInError):
    """The request carries neither an access token nor a session cookie."""

    code = "missing_token"


class SessionEndedError(NotSignedInError):
    """The cookie belongs to no live session: signed out, expired, or never issued."""

    code = "session_ended"


class InvalidTokenError(SensorFlowError):
    """The token is not an access token that our provider issued for this API."""

    code = "invalid_token"


class ExpiredTokenError(SensorFlowError):
    """The access token is valid except that it has expired."""

    code = "expired_token"


class MissingScopeError(SensorFlowError):
    """The caller lacks the scope `details["scope"]` that the route requires."""

    code = "missing_scope"


class CrossOriginError(SensorFlowError):
    """A page of another origin made the browser send a write with its session cookie."""

    code = "cross_origin"


class IdentityProviderUnavailableError(SensorFlowError):
    """The provider does not respond, or its keys were never fetched: nothing can be verified."""

    code = "identity_provider_unavailable"


class SessionStoreUnavailableError(SensorFlowError):
    """The Valkey server that stores the sessions does not respond or cannot write."""

    code = "session_store_unavailable"


class IdentityProviderRefusedError(SensorFlowError):
    """The provider rejects this client itself, whoever signs in: a matter of configuration."""

    code = "identity_provider_refused"


class MissingCredentialsError(SensorFlowError):
    """The sign-in carries no user name and password in its Authorization header."""

    code = "missing_credentials"


class WrongCredentialsError(SensorFlowError):
    """The provider rejected this user name and password."""

    code = "wrong_credentials"


class AuthorizationFailedError(SensorFlowError):
    """The same for a client of InfluxDB, which expects 401 and these words."""

    code = "authorization_failed"


class PasswordLoginOffError(SensorFlowError):
    """Sign-in by user name and password is disabled."""

    code = "password_login_off"


class TooManyFailuresError(SensorFlowError):
    """Too many sign-ins failed; `details["retry_after_seconds"]` says when to try again."""

    code = "too_many_failures"


class InvalidReturnPathError(SensorFlowError):
    """The redirect target after the sign-in is not a path of this server."""

    code = "invalid_return_path"


class InvalidSignInError(SensorFlowError):
    """The authorization response matches no pending sign-in of this browser, or was replayed."""

    code = "invalid_sign_in"


class SignInDeniedError(SensorFlowError):
    """The user or the provider denied the authorization request."""

    code = "sign_in_denied"


class InvalidLogoutTokenError(SensorFlowError):
    """The logout token was not issued by our provider for this client, or was used before."""

    code = "invalid_logout_token"
