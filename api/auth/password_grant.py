from api.auth.basic import Credentials
from api.auth.errors import (
    IdentityProviderRefusedError,
    IdentityProviderUnavailableError,
    WrongCredentialsError,
)
from api.auth.login_throttling import Attempt, FailureLimit
from api.auth.oidc_client import GrantRefusedError, OidcClient
from api.auth.token_encryption import Tokens


class PasswordGrant:
    """Has the provider judge a user's password, as often as the limit of failures allows."""

    def __init__(self, client: OidcClient, failures: FailureLimit) -> None:
        self._client = client
        self._failures = failures

    async def redeem(self, credentials: Credentials, address: str) -> Tokens:
        """The tokens for the password. Raises WrongCredentialsError or TooManyFailuresError."""
        attempt = Attempt(credentials.username, address)
        await self._failures.enter(attempt)
        try:
            tokens = await self._client.redeem_password(*credentials)
        except GrantRefusedError as error:
            raise WrongCredentialsError("Wrong user name or password.") from error
        except (IdentityProviderUnavailableError, IdentityProviderRefusedError):
            await self._failures.not_judged(attempt)
            raise
        await self._failures.succeeded(attempt)
        return tokens
