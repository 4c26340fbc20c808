"""Why a caller is not let in."""

from core.errors import SensorFlowError


class MissingTokenError(SensorFlowError):
    """The request carries no bearer token in its Authorization header."""

    code = "missing_token"


class InvalidTokenError(SensorFlowError):
    """The token is not an access token of our provider for this API."""

    code = "invalid_token"


class ExpiredTokenError(SensorFlowError):
    """The token was good and is past its time."""

    code = "expired_token"


class MissingScopeError(SensorFlowError):
    """The token is good and does not carry the scope `details["scope"]` that the route needs."""

    code = "missing_scope"


class IdentityProviderUnavailableError(SensorFlowError):
    """The provider's keys were never read, so no token can be judged."""

    code = "identity_provider_unavailable"
