"""What signing in stands on, put together once a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from api.auth.authentication import Authenticator
from api.auth.client_address import Addresses
from api.auth.cookies import Cookies
from api.auth.csrf import OriginPolicy
from api.auth.discovery import KnownProvider
from api.auth.id_tokens import IdTokenVerifier
from api.auth.influxdb_passwords import BelievedPasswords, InfluxDBPasswords
from api.auth.jwks import ProviderKeys
from api.auth.login_throttling import FailureLimit
from api.auth.oidc_client import OidcClient
from api.auth.password_grant import PasswordGrant
from api.auth.repository import (
    FailureRepository,
    SessionRepository,
    SignInRepository,
    SpentTokenRepository,
)
from api.auth.service import SignInParts, SignInService
from api.auth.session_store import SessionStore
from api.auth.sessions import Sessions
from api.auth.tokens import TokenVerifier
from core.database import Pool
from core.settings import ApiSettings, AuthSettings, SessionSettings


@dataclass(frozen=True, slots=True)
class Auth:
    """What the rest of the server needs of it."""

    addresses: Addresses
    authenticator: Authenticator
    cookies: Cookies
    sign_in: SignInService


@asynccontextmanager
async def open_auth(
    api: ApiSettings,
    auth: AuthSettings,
    session: SessionSettings,
    pool: Pool,
    http: httpx2.AsyncClient,
) -> AsyncIterator[Auth]:
    """Everything of this folder over one pool and one HTTP client."""
    keys = ProviderKeys(auth.issuer, http)
    spent = SpentTokenRepository(pool)
    access_tokens = TokenVerifier(auth, keys, spent.is_spent)
    id_tokens = IdTokenVerifier(auth, keys)
    client = OidcClient(auth, KnownProvider(auth.issuer, http), api.public_url)
    addresses = Addresses(api.trusted_proxies)
    passwords = PasswordGrant(client, FailureLimit(auth, FailureRepository(pool)))
    influxdb_passwords = InfluxDBPasswords(
        auth.influxdb_passwords,
        access_tokens,
        BelievedPasswords(passwords, access_tokens),
        addresses,
    )
    cookies = Cookies(api, session)
    async with open_session_store(auth, session, pool, spent) as store:
        sessions = Sessions(session, store, client, access_tokens, id_tokens)
        parts = SignInParts(
            client=client,
            sessions=sessions,
            session_store=store,
            sign_ins=SignInRepository(pool),
            spent=spent,
            passwords=passwords,
            access_tokens=access_tokens,
            id_tokens=id_tokens,
        )
        yield Auth(
            addresses=addresses,
            authenticator=Authenticator(
                access_tokens, influxdb_passwords, sessions, cookies, OriginPolicy(api)
            ),
            cookies=cookies,
            sign_in=SignInService(auth, api, parts),
        )


@asynccontextmanager
async def open_session_store(
    auth: AuthSettings, session: SessionSettings, pool: Pool, spent: SpentTokenRepository
) -> AsyncIterator[SessionStore]:
    """Where the settings want sessions to be kept, whether it is there yet or not."""
    if session.valkey_url is None:
        yield SessionRepository(pool, auth, session)
        return
    # Here, for a server without a Valkey can spare the 7 MB of its client.
    from api.auth.valkey_sessions import (  # noqa: PLC0415  # as said
        TIMEOUT_SECONDS,
        ValkeySessionStore,
    )
    from core.valkey import valkey_client  # noqa: PLC0415  # as said

    async with valkey_client(session.valkey_url, TIMEOUT_SECONDS) as client:
        yield ValkeySessionStore(client, auth, session, spent)
