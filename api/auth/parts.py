"""What signing in stands on, put together once a process."""

from dataclasses import dataclass

import httpx2

from api.auth.addresses import Addresses
from api.auth.authentication import Authenticator
from api.auth.cookies import Cookies
from api.auth.discovery import KnownProvider
from api.auth.failures import FailureLimit
from api.auth.id_tokens import IdTokenVerifier
from api.auth.keys import ProviderKeys
from api.auth.oidc_client import OidcClient
from api.auth.origins import OriginPolicy
from api.auth.repository import (
    FailureRepository,
    SessionRepository,
    SignInRepository,
    SpentTokenRepository,
)
from api.auth.service import SignInParts, SignInService
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


def open_auth(
    api: ApiSettings,
    auth: AuthSettings,
    session: SessionSettings,
    pool: Pool,
    http: httpx2.AsyncClient,
) -> Auth:
    """Everything of this folder over one pool and one HTTP client."""
    keys = ProviderKeys(auth.issuer, http)
    spent = SpentTokenRepository(pool)
    access_tokens = TokenVerifier(auth, keys, spent.is_spent)
    id_tokens = IdTokenVerifier(auth, keys)
    client = OidcClient(auth, KnownProvider(auth.issuer, http), api.public_url)
    repository = SessionRepository(pool, auth, session)
    sessions = Sessions(session, repository, client, access_tokens, id_tokens)
    cookies = Cookies(api, session)
    parts = SignInParts(
        client=client,
        sessions=sessions,
        session_repository=repository,
        sign_ins=SignInRepository(pool),
        spent=spent,
        failures=FailureLimit(auth, FailureRepository(pool)),
        access_tokens=access_tokens,
        id_tokens=id_tokens,
    )
    return Auth(
        addresses=Addresses(api.trusted_proxies),
        authenticator=Authenticator(access_tokens, sessions, cookies, OriginPolicy(api)),
        cookies=cookies,
        sign_in=SignInService(auth, api, parts),
    )
