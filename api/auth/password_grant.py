from api.auth.basic import Credentials
from api.auth.errors import (
    IdentityProviderRefusedError,
    IdentityProviderUnavailableError,
    WrongCredentialsError,
)
from api.auth.login_throttling import LoginAttempt, LoginThrottle
from api.auth.oidc_client import InvalidGrantError, OidcClient
from api.auth.token_encryption import Tokens


class PasswordGrant:
    """Has the provider verify a user's password, as often as the throttle allows."""

    def __init__(self, client: OidcClient, throttle: LoginThrottle) -> None:
        self._client = client
        self._throttle = throttle

    async def exchange(self, credentials: Credentials, address: str) -> Tokens:
        """The tokens for the password. Raises WrongCredentialsError or TooManyFailuresError."""
        attempt = LoginAttempt(credentials.username, address)
        await self._throttle.count_attempt(attempt)
        try:
            tokens = await self._client.exchange_password(*credentials)
        except InvalidGrantError as error:
            raise WrongCredentialsError("Wrong user name or password.") from error
        except (IdentityProviderUnavailableError, IdentityProviderRefusedError):
            await self._throttle.discard_attempt(attempt)
            raise
        await self._throttle.record_success(attempt)
        return tokens
