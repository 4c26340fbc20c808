"""Guessing passwords is slow: failed sign-ins are counted by user and by address."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from api.auth.errors import TooManyFailuresError
from api.auth.repository import FailureRepository
from core.settings import AuthSettings

# A home or an attacker has at least this much of IPv6, so its addresses count as one.
IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in: as whom and from where."""

    username: str
    address: str

    @property
    def keys(self) -> tuple[str, str]:
        """What its failure is counted under."""
        return f"address {network(self.address)}", f"user {self.username}"


class FailureLimit:
    """Counts an attempt as failed before it is made, so that many at once are no way around."""

    def __init__(self, settings: AuthSettings, repository: FailureRepository) -> None:
        self._limits = (settings.max_failures_per_address, settings.max_failures_per_user)
        self._window = settings.failure_window
        self._repository = repository

    async def enter(self, attempt: Attempt) -> None:
        """Take the attempt for a failure. Raises TooManyFailuresError beyond a limit."""
        for key, limit in zip(attempt.keys, self._limits, strict=True):
            count = await self._repository.count(key, self._window)
            if count.failures > limit:
                raise TooManyFailuresError(
                    "Too many failed sign-ins. Try again later.",
                    retry_after_seconds=max(count.seconds_left, 1),
                )

    async def succeeded(self, attempt: Attempt) -> None:
        """The user is known now: forget the failures, but not those the address had with others."""
        address, user = attempt.keys
        await self._repository.forget(user)
        await self._repository.discount(address)

    async def not_judged(self, attempt: Attempt) -> None:
        """Nobody looked at the password: the attempt does not count."""
        for key in attempt.keys:
            await self._repository.discount(key)


def network(address: str) -> str:
    """What of an address tells callers apart."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(int(parsed) >> (128 - IPV6_NETWORK_BITS))
