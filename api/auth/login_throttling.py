"""Login throttling: failed password sign-ins are limited by user and by client address."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from unicodedata import normalize
from urllib.parse import urlsplit

from api.auth.errors import TooManyFailuresError
from api.auth.repository import LoginFailureRepository
from core.settings import AuthSettings

# A household or an attacker has at least a /64 of IPv6, so its addresses are counted as one.
IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A password sign-in: of which user and from which client address."""

    username: str
    address: str

    @property
    def keys(self) -> tuple[str, str, str]:
        """The keys under which its failure is counted: by address, by user at it, by user."""
        address, user = client_network(self.address), folded(self.username)
        return f"address {address}", f"user {user} at {address}", f"user {user}"


class LoginThrottle:
    """Counts an attempt as failed before it is made, so that concurrent guesses are limited too.

    What one limit rejects does not count for the next ones: from a single address nobody exhausts
    the limit of a user, who could then not sign in from elsewhere.
    """

    def __init__(self, settings: AuthSettings, repository: LoginFailureRepository) -> None:
        self._limits = (
            settings.max_failures_per_address,
            settings.max_failures_per_user_and_address,
            settings.max_failures_per_user,
        )
        self._window = settings.failure_window
        self._repository = repository

    async def count_attempt(self, attempt: LoginAttempt) -> None:
        """Count the attempt as a failure. Raises TooManyFailuresError beyond a limit."""
        for key, limit in zip(attempt.keys, self._limits, strict=True):
            count = await self._repository.increment(key, self._window)
            if count.failures > limit:
                raise TooManyFailuresError(
                    "Too many failed sign-ins. Try again later.",
                    retry_after_seconds=max(count.seconds_left, 1),
                )

    async def record_success(self, attempt: LoginAttempt) -> None:
        """Reset the user's failures; those of the address with other users still count."""
        address, *of_user = attempt.keys
        for key in of_user:
            await self._repository.reset(key)
        await self._repository.decrement(address)

    async def discard_attempt(self, attempt: LoginAttempt) -> None:
        """Do not count an attempt whose password the provider never verified."""
        for key in attempt.keys:
            await self._repository.decrement(key)


def folded(username: str) -> str:
    """The name as a provider may compare it: what is one user there is counted as one here."""
    return normalize("NFKC", normalize("NFKC", username).casefold()).strip()


def client_network(address: str) -> str:
    """What failures are counted by: the IPv4 address, or the IPv6 /64 network."""
    parsed = _parse(address) or _parse(_without_port(address))
    if parsed is None:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(int(parsed) >> (128 - IPV6_NETWORK_BITS))


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def _without_port(address: str) -> str:
    """The host of `host:port`, which some proxies write: each connection has another port."""
    try:
        return urlsplit(f"//{address}").hostname or address
    except ValueError:
        return address
