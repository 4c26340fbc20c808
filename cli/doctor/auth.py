"""`sensorflow doctor auth`: checks everything that a sign-in needs of the identity provider."""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError

from api.auth.discovery import Discovery, read_discovery, read_document
from api.auth.jwks import JwksCache, JwkSet, signing_keys
from api.auth.oidc_client import CALLBACK_PATH
from api.auth.provider_cache import FETCH_ERRORS
from api.auth.provider_client import OAuthClient, ProviderClient
from api.auth.signatures import LEEWAY_SECONDS
from api.auth.tokens import AccessTokenVerifier
from cli.doctor.results import CheckResult, Status
from core.errors import SensorFlowError
from core.settings import ApiSettings, AuthSettings

NOTICEABLE_SKEW_SECONDS = 5
# Errors that `prompt=none` returns where nobody is signed in (OpenID Connect Core 3.1.2.6).
INTERACTION_REQUIRED_ERRORS = {"login_required", "interaction_required", "consent_required"}


@dataclass(frozen=True)
class CheckContext:
    """What the checks need: the settings, an HTTP client, and an access token, if given."""

    api: ApiSettings
    auth: AuthSettings
    http: httpx2.AsyncClient
    token: str | None

    @property
    def redirect_uri(self) -> str:
        """The redirect URI that must be registered at the provider."""
        return f"{self.api.public_url}{CALLBACK_PATH}"


async def run_checks(api: ApiSettings, auth: AuthSettings, token: str | None) -> list[CheckResult]:
    """Check everything about sign-in that needs no user."""
    async with ProviderClient() as http:
        return [result async for result in _results(CheckContext(api, auth, http, token))]


async def _results(context: CheckContext) -> AsyncIterator[CheckResult]:
    yield _check_public_url(context.api)
    try:
        discovery = await read_discovery(context.http, context.auth.issuer)
    except FETCH_ERRORS as error:
        yield CheckResult(
            Status.FAILED,
            f"discovery below {context.auth.issuer}: {error}",
            "SENSORFLOW_AUTH_ISSUER must be the issuer exactly as the provider writes it, a final "
            "slash included, and be reachable from here.",
        )
        return
    yield CheckResult(Status.PASSED, f"discovery of {discovery.issuer}")
    yield await _check_clock(context)
    yield await _check_keys(context, discovery)
    yield await _check_redirect_uri(context, discovery)
    yield _check_password_grant(context.auth, discovery)
    yield await _check_audience(context, discovery)


def _check_public_url(api: ApiSettings) -> CheckResult:
    if api.public_url.startswith("https://") or api.is_local:
        return CheckResult(Status.PASSED, f"public URL {api.public_url}")
    return CheckResult(
        Status.FAILED,
        f"public URL {api.public_url}: browsers keep no secure cookie over plain HTTP",
        "Put a proxy with TLS in front and name it in SENSORFLOW_API_PUBLIC_URL.",
    )


async def _check_clock(context: CheckContext) -> CheckResult:
    try:
        response = await context.http.get(context.auth.issuer)
        provider_time = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except FETCH_ERRORS:
        return CheckResult(Status.SKIPPED, "clock: the provider tells no time")
    return check_clock_skew(time.time() - provider_time)


def check_clock_skew(seconds: float) -> CheckResult:
    """`seconds` is how far this machine's clock is ahead of the provider's."""
    if abs(seconds) <= NOTICEABLE_SKEW_SECONDS:
        return CheckResult(Status.PASSED, "clock: agrees with the provider's")
    return CheckResult(
        Status.WARNING if abs(seconds) < LEEWAY_SECONDS else Status.FAILED,
        f"clock: {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the provider's",
        f"Synchronize the clocks (NTP); beyond {LEEWAY_SECONDS} s tokens are refused.",
    )


async def _check_keys(context: CheckContext, discovery: Discovery) -> CheckResult:
    try:
        jwk_set = await read_document(context.http, discovery.jwks_uri, JwkSet)
    except FETCH_ERRORS as error:
        remedy = "The provider's jwks_uri must be reachable from here."
        return CheckResult(Status.FAILED, f"keys at {discovery.jwks_uri}: {error}", remedy)
    if keys := signing_keys(jwk_set):
        return CheckResult(Status.PASSED, f"keys: {len(keys)} that can verify a signature")
    return CheckResult(
        Status.FAILED,
        f"keys at {discovery.jwks_uri}: none that can verify a signature",
        "The provider must sign with RSA or EC keys that have an id (kid).",
    )


async def _check_redirect_uri(context: CheckContext, discovery: Discovery) -> CheckResult:
    query = {
        "client_id": context.auth.client_id,
        "response_type": "code",
        "redirect_uri": context.redirect_uri,
        "scope": context.auth.login_scopes,
        "state": secrets.token_urlsafe(),
        "nonce": secrets.token_urlsafe(),
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
        "prompt": "none",  # the provider responds at once and shows no form
        **context.auth.login_parameters,
    }
    try:
        response = await context.http.get(discovery.authorization_endpoint, params=query)
    except FETCH_ERRORS as error:
        remedy = "The provider's authorization_endpoint must be reachable."
        return CheckResult(Status.FAILED, f"authorization endpoint: {error}", remedy)
    return _check_authorization_response(context, response)


def _check_authorization_response(context: CheckContext, response: httpx2.Response) -> CheckResult:
    location = response.headers.get("location", "")
    error = parse_qs(urlsplit(location).query).get("error", [""])[0]
    if response.is_error:
        return CheckResult(
            Status.FAILED,
            f"redirect URI {context.redirect_uri}: not accepted for {context.auth.client_id}",
            "Register this redirect URI at the provider for this client "
            "(SENSORFLOW_API_PUBLIC_URL, SENSORFLOW_AUTH_CLIENT_ID).",
        )
    if location.startswith(context.redirect_uri) and error not in INTERACTION_REQUIRED_ERRORS:
        return CheckResult(
            Status.FAILED,
            f"sign-in request: the provider answers {error}",
            "See SENSORFLOW_AUTH_LOGIN_SCOPES and SENSORFLOW_AUTH_LOGIN_PARAMETERS, and what the "
            "client may ask for at the provider.",
        )
    return CheckResult(Status.PASSED, f"redirect URI {context.redirect_uri}")


def _check_password_grant(auth: AuthSettings, discovery: Discovery) -> CheckResult:
    if not auth.password_login:
        return CheckResult(Status.SKIPPED, "POST /auth/login is switched off")
    if "password" in discovery.grant_types_supported:
        return CheckResult(Status.PASSED, "POST /auth/login: the provider knows the password grant")
    return CheckResult(
        Status.WARNING,
        "POST /auth/login: the provider does not say that it knows the password grant",
        "Enable it there, or set SENSORFLOW_AUTH_PASSWORD_LOGIN=false.",
    )


async def _check_audience(context: CheckContext, discovery: Discovery) -> CheckResult:
    token = context.token or await _request_own_token(context.auth, discovery)
    if token is None:
        message = "audience: no access token to look at; give one with --token-file"
        return CheckResult(Status.SKIPPED, message)
    jwks = JwksCache(context.auth.issuer, context.http)
    verifier = AccessTokenVerifier(context.auth, jwks, _never_revoked)
    try:
        principal = await verifier.verify(token)
    except SensorFlowError as error:
        return CheckResult(
            Status.FAILED,
            f"access token: {error.message}",
            f"SENSORFLOW_AUTH_AUDIENCE is {context.auth.audience!r}; the provider must issue JWT "
            "access tokens for it. See docs/sign-in.md.",
        )
    scopes = " ".join(sorted(principal.scopes)) or "no scope of ours"
    status = Status.PASSED if principal.scopes else Status.WARNING
    remedy = "" if principal.scopes else "See SENSORFLOW_AUTH_SCOPE_MAPPING in docs/sign-in.md."
    return CheckResult(status, f"access token: accepted for {principal.subject}: {scopes}", remedy)


async def _request_own_token(auth: AuthSettings, discovery: Discovery) -> str | None:
    """An access token by the client credentials grant, if the client has a secret and the grant."""
    if auth.client_secret is None:
        return None
    secret = auth.client_secret.get_secret_value()
    try:
        async with OAuthClient(auth.client_id, secret) as client:
            response = await client.fetch_token(
                discovery.token_endpoint, grant_type="client_credentials"
            )
    except (OAuthError, *FETCH_ERRORS):
        return None
    return str(response["access_token"])


async def _never_revoked(_token: str) -> bool:
    return False
