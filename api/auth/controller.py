from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from msgspec import convert

from api.auth.access import AUTHENTICATED, PUBLIC, SESSION_HOLDER, access
from api.auth.basic import parse_basic_credentials
from api.auth.client_address import ClientAddressResolver
from api.auth.cookies import AuthCookies
from api.auth.errors import InvalidSignInError
from api.auth.pages import on_sign_in_problem
from api.auth.redirect_target import DEFAULT_TARGET
from api.auth.schemas import (
    AuthorizationResponse,
    LogoutForm,
    Me,
    Message,
    SignedOut,
    SignInOptions,
)
from api.auth.service import SignInService
from api.auth.tokens import Principal
from core.errors import SensorFlowError

AnyRequest = Request[Any, Any, Any]
SignIn = NamedDependency[SkipValidation[SignInService]]
ClientAddresses = NamedDependency[SkipValidation[ClientAddressResolver]]
Cookies = NamedDependency[SkipValidation[AuthCookies]]
RedirectTarget = Annotated[
    str, QueryParameter(name="next", description="The path to return to after the sign-in.")
]

NO_STORE = {"Cache-Control": "no-store"}
PAGE_FOR_BROWSERS: ExceptionHandlersMap = {SensorFlowError: on_sign_in_problem}


class AuthController(Controller):
    """Sign-in and sign-out."""

    path = "/auth"
    tags = ("Sign-in",)

    @get(
        "/login",
        operation_id="beginSignIn",
        summary="Sign in by browser: leads to the identity provider",
        status_code=303,
        exception_handlers=PAGE_FOR_BROWSERS,
        **access(PUBLIC, 400, 503),
    )
    async def begin_sign_in(
        self,
        sign_in: SignIn,
        auth_cookies: Cookies,
        redirect_target: RedirectTarget = DEFAULT_TARGET,
    ) -> Redirect:
        """Redirect the browser to the provider with an authorization request."""
        authorization = await sign_in.begin(redirect_target)
        cookie = auth_cookies.sign_in(authorization.state, authorization.browser_secret)
        return Redirect(authorization.url, status_code=303, cookies=[cookie], headers=NO_STORE)

    @get(
        "/callback",
        operation_id="finishSignIn",
        summary="Where the identity provider sends the browser back to",
        status_code=303,
        exception_handlers=PAGE_FOR_BROWSERS,
        **access(PUBLIC, 400, 403, 502, 503),
    )
    async def finish_sign_in(
        self, request: AnyRequest, sign_in: SignIn, auth_cookies: Cookies
    ) -> Redirect:
        """Open the session and redirect the browser to where it wanted to go."""
        response = _authorization_response(request)
        opened = await sign_in.finish(
            response,
            auth_cookies.read_sign_in(request.cookies, response.state),
            auth_cookies.read_session(request.cookies),
        )
        cookies = [
            auth_cookies.session(opened.cookie),
            auth_cookies.expired_sign_in(response.state),
        ]
        return Redirect(opened.url, status_code=303, cookies=cookies, headers=NO_STORE)

    @post(
        "/login",
        operation_id="signInWithPassword",
        summary="Sign in by user name and password (Authorization: Basic)",
        status_code=200,
        **access(PUBLIC, 400, 403, 429, 502, 503),
    )
    async def sign_in_with_password(
        self,
        request: AnyRequest,
        sign_in: SignIn,
        auth_cookies: Cookies,
        client_addresses: ClientAddresses,
    ) -> Response[Message]:
        """Open a session for the user whose password the provider accepts."""
        sign_in.require_password_login()
        # Or a foreign page signs its visitors in as somebody who then sees what they do.
        sign_in.csrf.require_trusted_origin(request.method, request.headers)
        cookie = await sign_in.sign_in_with_password(
            parse_basic_credentials(request.headers.get("authorization", "")),
            client_addresses.resolve(request),
            auth_cookies.read_session(request.cookies),
        )
        return Response(
            Message("Login successful"), cookies=[auth_cookies.session(cookie)], headers=NO_STORE
        )

    @get(
        "/sign-in-options",
        operation_id="getSignInOptions",
        summary="What a sign-in page offers besides the identity provider's",
        **access(PUBLIC),
    )
    async def get_sign_in_options(self, sign_in: SignIn) -> SignInOptions:
        """Return whether there is a form, and the accounts of a demo."""
        return sign_in.options

    @get(
        "/me",
        operation_id="getMe",
        summary="Who is signed in, what that allows, and until when",
        **access(AUTHENTICATED),
    )
    async def get_me(self, request: Request[Principal, None, State]) -> Response[Me]:
        """Return the authenticated caller."""
        caller = request.user
        me = Me(
            message="Authenticated",
            sub=caller.subject,
            username=caller.username,
            scopes=sorted(caller.scopes),
            expires_at=datetime.fromtimestamp(caller.expires_at, UTC),
        )
        return Response(me, headers=NO_STORE)

    @post(
        "/logout",
        operation_id="signOut",
        summary="End the session; endSessionUrl signs out of the provider too",
        status_code=200,
        **access(SESSION_HOLDER),
    )
    async def sign_out(
        self, request: AnyRequest, sign_in: SignIn, auth_cookies: Cookies
    ) -> Response[SignedOut]:
        """End the session at once."""
        url = await sign_in.sign_out(auth_cookies.read_session(request.cookies) or "")
        signed_out = SignedOut("Logout successful", url)
        return Response(signed_out, cookies=[auth_cookies.expired_session()], headers=NO_STORE)

    @post(
        "/backchannel-logout",
        operation_id="signOutAsTold",
        summary="For the identity provider: end the sessions that a logout token names",
        status_code=200,
        **access(PUBLIC, 400, 503),
    )
    async def back_channel_logout(
        self, sign_in: SignIn, data: URLEncodedBody[LogoutForm]
    ) -> Response[str]:
        """End the sessions that the logout token names."""
        await sign_in.back_channel_logout(data.logout_token)
        return Response("", media_type=MediaType.TEXT, headers=NO_STORE)


def _authorization_response(request: AnyRequest) -> AuthorizationResponse:
    """The response in the query string, where each parameter comes once (RFC 6749 3.1)."""
    parameters = dict(request.query_params)
    if len(parameters) < len(request.query_params):
        raise InvalidSignInError("The provider's answer repeats a parameter. Sign in again.")
    return convert(parameters, AuthorizationResponse, strict=False)
