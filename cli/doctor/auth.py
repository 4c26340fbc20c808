"""`sensorflow doctor auth`: asks the provider everything that a sign-in will ask of it."""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from api.auth.discovery import Discovery, read_discovery, read_document
from api.auth.jwks import KeySetDocument, ProviderKeys, signing_keys
from api.auth.oidc_client import CALLBACK_PATH
from api.auth.signatures import LEEWAY_SECONDS
from api.auth.tokens import TokenVerifier
from cli.doctor.findings import Finding, Verdict
from core.errors import SensorFlowError
from core.settings import ApiSettings, AuthSettings

TIMEOUT_SECONDS = 10
NOTICEABLE_SKEW_SECONDS = 5
CANNOT_BE_READ = (httpx2.HTTPError, httpx2.InvalidURL, ValueError)
NOBODY_IS_SIGNED_IN = {"login_required", "interaction_required", "consent_required"}


@dataclass(frozen=True)
class Patient:
    """What is examined: the settings, the provider, and perhaps a token to judge."""

    api: ApiSettings
    auth: AuthSettings
    http: httpx2.AsyncClient
    token: str | None

    @property
    def redirect_uri(self) -> str:
        """Where the provider must lead browsers back to."""
        return f"{self.api.public_url}{CALLBACK_PATH}"


async def examine(api: ApiSettings, auth: AuthSettings, token: str | None) -> list[Finding]:
    """Everything about sign-in that can be told without a person."""
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        return [finding async for finding in _findings(Patient(api, auth, http, token))]


async def _findings(patient: Patient) -> AsyncIterator[Finding]:
    yield _public_url(patient.api)
    try:
        discovery = await read_discovery(patient.http, patient.auth.issuer)
    except CANNOT_BE_READ as error:
        yield Finding(
            Verdict.WRONG,
            f"discovery below {patient.auth.issuer}: {error}",
            "SENSORFLOW_AUTH_ISSUER must be the issuer exactly as the provider writes it, a final "
            "slash included, and be reachable from here.",
        )
        return
    yield Finding(Verdict.GOOD, f"discovery of {discovery.issuer}")
    yield await _clock(patient)
    yield await _keys(patient, discovery)
    yield await _redirect_uri(patient, discovery)
    yield _password_grant(patient.auth, discovery)
    yield await _audience(patient, discovery)


def _public_url(api: ApiSettings) -> Finding:
    if api.public_url.startswith("https://") or api.is_local:
        return Finding(Verdict.GOOD, f"public URL {api.public_url}")
    return Finding(
        Verdict.WRONG,
        f"public URL {api.public_url}: browsers keep no secure cookie over plain HTTP",
        "Put a proxy with TLS in front and name it in SENSORFLOW_API_PUBLIC_URL.",
    )


async def _clock(patient: Patient) -> Finding:
    try:
        answer = await patient.http.get(patient.auth.issuer)
        told_at = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except CANNOT_BE_READ:
        return Finding(Verdict.UNCHECKED, "clock: the provider tells no time")
    return judged_skew(time.time() - told_at)


def judged_skew(seconds: float) -> Finding:
    """What so many seconds ahead of the provider's clock mean."""
    if abs(seconds) <= NOTICEABLE_SKEW_SECONDS:
        return Finding(Verdict.GOOD, "clock: agrees with the provider's")
    return Finding(
        Verdict.DOUBTFUL if abs(seconds) < LEEWAY_SECONDS else Verdict.WRONG,
        f"clock: {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the provider's",
        f"Synchronize the clocks (NTP); beyond {LEEWAY_SECONDS} s tokens are refused.",
    )


async def _keys(patient: Patient, discovery: Discovery) -> Finding:
    try:
        document = await read_document(patient.http, discovery.jwks_uri, KeySetDocument)
    except CANNOT_BE_READ as error:
        remedy = "The provider's jwks_uri must be reachable from here."
        return Finding(Verdict.WRONG, f"keys at {discovery.jwks_uri}: {error}", remedy)
    if keys := signing_keys(document):
        return Finding(Verdict.GOOD, f"keys: {len(keys)} that can verify a signature")
    return Finding(
        Verdict.WRONG,
        f"keys at {discovery.jwks_uri}: none that can verify a signature",
        "The provider must sign with RSA or EC keys that have an id (kid).",
    )


async def _redirect_uri(patient: Patient, discovery: Discovery) -> Finding:
    query = {
        "client_id": patient.auth.client_id,
        "response_type": "code",
        "redirect_uri": patient.redirect_uri,
        "scope": patient.auth.login_scopes,
        "state": secrets.token_urlsafe(),
        "nonce": secrets.token_urlsafe(),
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
        "prompt": "none",  # so that the provider answers at once instead of asking anybody
        **patient.auth.login_parameters,
    }
    try:
        answer = await patient.http.get(discovery.authorization_endpoint, params=query)
    except CANNOT_BE_READ as error:
        remedy = "The provider's authorization_endpoint must be reachable."
        return Finding(Verdict.WRONG, f"authorization endpoint: {error}", remedy)
    return _judged_redirect(patient, answer)


def _judged_redirect(patient: Patient, answer: httpx2.Response) -> Finding:
    location = answer.headers.get("location", "")
    error = parse_qs(urlsplit(location).query).get("error", [""])[0]
    if answer.is_error:
        return Finding(
            Verdict.WRONG,
            f"redirect URI {patient.redirect_uri}: not accepted for {patient.auth.client_id}",
            "Register this redirect URI at the provider for this client "
            "(SENSORFLOW_API_PUBLIC_URL, SENSORFLOW_AUTH_CLIENT_ID).",
        )
    if location.startswith(patient.redirect_uri) and error not in NOBODY_IS_SIGNED_IN:
        return Finding(
            Verdict.WRONG,
            f"sign-in request: the provider answers {error}",
            "See SENSORFLOW_AUTH_LOGIN_SCOPES and SENSORFLOW_AUTH_LOGIN_PARAMETERS, and what the "
            "client may ask for at the provider.",
        )
    return Finding(Verdict.GOOD, f"redirect URI {patient.redirect_uri}")


def _password_grant(auth: AuthSettings, discovery: Discovery) -> Finding:
    if not auth.password_login:
        return Finding(Verdict.UNCHECKED, "POST /auth/login is switched off")
    if "password" in discovery.grant_types_supported:
        return Finding(Verdict.GOOD, "POST /auth/login: the provider knows the password grant")
    return Finding(
        Verdict.DOUBTFUL,
        "POST /auth/login: the provider does not say that it knows the password grant",
        "Enable it there, or set SENSORFLOW_AUTH_PASSWORD_LOGIN=false.",
    )


async def _audience(patient: Patient, discovery: Discovery) -> Finding:
    token = patient.token or await _own_token(patient.auth, discovery)
    if token is None:
        told = "audience: no access token to look at; give one with --token-file"
        return Finding(Verdict.UNCHECKED, told)
    keys = ProviderKeys(patient.auth.issuer, patient.http)
    try:
        principal = await TokenVerifier(patient.auth, keys, _never_spent).verify(token)
    except SensorFlowError as error:
        return Finding(
            Verdict.WRONG,
            f"access token: {error.message}",
            f"SENSORFLOW_AUTH_AUDIENCE is {patient.auth.audience!r}; the provider must issue JWT "
            "access tokens for it. See docs/sign-in.md.",
        )
    scopes = " ".join(sorted(principal.scopes)) or "no scope of ours"
    verdict = Verdict.GOOD if principal.scopes else Verdict.DOUBTFUL
    remedy = "" if principal.scopes else "See SENSORFLOW_AUTH_SCOPE_MAPPING in docs/sign-in.md."
    return Finding(verdict, f"access token: accepted for {principal.subject}: {scopes}", remedy)


async def _own_token(auth: AuthSettings, discovery: Discovery) -> str | None:
    """By client credentials, where the client has any and may use them."""
    if auth.client_secret is None:
        return None
    secret = auth.client_secret.get_secret_value()
    try:
        async with AsyncOAuth2Client(auth.client_id, secret, timeout=TIMEOUT_SECONDS) as client:
            answer = await client.fetch_token(
                discovery.token_endpoint, grant_type="client_credentials"
            )
    except (OAuthError, *CANNOT_BE_READ):
        return None
    return str(answer["access_token"])


async def _never_spent(_token: str) -> bool:
    return False
