"""Settings that are valid, but not what a production system should have."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from cli.doctor.check import Installation, Results
from cli.doctor.results import CheckResult, passed, warning
from core.setting_types import is_loopback
from core.settings import ApiSettings, AuthSettings, DatabaseSettings

ENCRYPTING = {"require", "verify-ca", "verify-full"}


async def check_settings(installation: Installation) -> Results:
    """What the settings mean together."""
    found = [
        *_database_encryption(installation.database),
        *_accounts(installation.api, installation.auth),
        *_proxies(installation.api),
    ]
    for result in found or [passed("settings: nothing to object to")]:
        yield result


def _database_encryption(database: DatabaseSettings) -> Iterator[CheckResult]:
    parts = urlsplit(database.url.get_secret_value())
    host = parts.hostname or "localhost"
    modes = parse_qs(parts.query).get("sslmode", [""])
    if not is_loopback(host) and modes[0] not in ENCRYPTING:
        yield warning(
            f"SENSORFLOW_DATABASE_URL: the connection to {host} need not be encrypted",
            "Who listens on the network reads the readings, and may read the password.",
            "Append ?sslmode=verify-full, or at least sslmode=require. In one host's private "
            "network, as that of compose, it may stay.",
        )


def _accounts(api: ApiSettings, auth: AuthSettings) -> Iterator[CheckResult]:
    if auth.shown_accounts and not api.is_local:
        yield warning(
            f"SENSORFLOW_AUTH_SHOWN_ACCOUNTS: the sign-in page of {api.public_url} shows passwords",
            "Everybody who opens the page can sign in.",
            "Remove the setting: it is for demos on one machine.",
        )


def _proxies(api: ApiSettings) -> Iterator[CheckResult]:
    if api.public_url.startswith("https://") and api.trusted_proxies == 0:
        yield warning(
            f"SENSORFLOW_API_TRUSTED_PROXIES is 0, but {api.public_url} is served by a proxy",
            "Failed sign-ins of all users count for the proxy's one address, so that one of them "
            "can lock out the others; Strict-Transport-Security is not sent.",
            "Set it to how many proxies stand in front of the API.",
        )
