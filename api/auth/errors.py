"""Why a caller is not let in."""

from core.errors import SensorFlowError


class NotSignedInError(SensorFlowError):
    """Nobody is signed in; each way of it has a code of its own."""


class MissingTokenError(NotSignedInError):
    """The request carries neither a bearer token nor a session's cookie."""

    code = "missing_token"


class SessionEndedError(NotSignedInError):
    """The cookie is that of no session that lives: signed out, expired, or never one."""

    code = "session_ended"


class InvalidTokenError(SensorFlowError):
    """The token is not an access token of our provider for this API."""

    code = "invalid_token"


class ExpiredTokenError(SensorFlowError):
    """The token was good and is past its time."""

    code = "expired_token"


class MissingScopeError(SensorFlowError):
    """The caller is known and lacks the scope `details["scope"]` that the route needs."""

    code = "missing_scope"


class CrossOriginError(SensorFlowError):
    """A page of another origin made the browser send a write along with its cookie."""

    code = "cross_origin"


class IdentityProviderUnavailableError(SensorFlowError):
    """The provider does not answer, or its keys were never read, so nothing can be judged."""

    code = "identity_provider_unavailable"


class SessionStoreUnavailableError(SensorFlowError):
    """The Valkey server that keeps the sessions does not answer or cannot write."""

    code = "session_store_unavailable"


class IdentityProviderRefusedError(SensorFlowError):
    """The provider refuses this client itself, whoever signs in: a matter of configuration."""

    code = "identity_provider_refused"


class MissingCredentialsError(SensorFlowError):
    """The sign-in carries no user name and password in an Authorization header."""

    code = "missing_credentials"


class WrongCredentialsError(SensorFlowError):
    """The provider does not know this user with this password."""

    code = "wrong_credentials"


class AuthorizationFailedError(SensorFlowError):
    """The same for a client of InfluxDB, which expects 401 and these words."""

    code = "authorization_failed"


class PasswordLoginOffError(SensorFlowError):
    """Signing in by user name and password is switched off."""

    code = "password_login_off"


class TooManyFailuresError(SensorFlowError):
    """Too many sign-ins failed; `details["retry_after_seconds"]` says when to try again."""

    code = "too_many_failures"


class InvalidReturnPathError(SensorFlowError):
    """The page to return to after the sign-in is not a path of this server."""

    code = "invalid_return_path"


class InvalidSignInError(SensorFlowError):
    """The provider's answer fits no sign-in that this browser began, or was used before."""

    code = "invalid_sign_in"


class SignInDeniedError(SensorFlowError):
    """The user or the provider refused the sign-in."""

    code = "sign_in_denied"


class InvalidLogoutTokenError(SensorFlowError):
    """The logout token is not one of our provider for this client, or was used before."""

    code = "invalid_logout_token"
