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
from api.auth.basic import basic_credentials
from api.auth.client_address import Addresses
from api.auth.cookies import Cookies
from api.auth.pages import on_sign_in_problem
from api.auth.redirect_target import DEFAULT
from api.auth.schemas import LogoutForm, Me, Message, ProviderAnswer, SignedOut
from api.auth.service import SignInService
from api.auth.tokens import Principal
from core.errors import SensorFlowError

AnyRequest = Request[Any, Any, Any]
SignIn = NamedDependency[SkipValidation[SignInService]]
Whereabouts = NamedDependency[SkipValidation[Addresses]]
CookieJar = NamedDependency[SkipValidation[Cookies]]
ReturnPath = Annotated[
    str, QueryParameter(name="next", description="The path to return to after the sign-in.")
]

NOT_STORED = {"Cache-Control": "no-store"}
IN_THE_BROWSER: ExceptionHandlersMap = {SensorFlowError: on_sign_in_problem}


class AuthController(Controller):
    """Signing in and out."""

    path = "/auth"
    tags = ("Sign-in",)

    @get(
        "/login",
        operation_id="beginSignIn",
        summary="Sign in by browser: leads to the identity provider",
        status_code=303,
        exception_handlers=IN_THE_BROWSER,
        **access(PUBLIC, 400, 503),
    )
    async def begin_sign_in(
        self, sign_in: SignIn, cookie_jar: CookieJar, return_to: ReturnPath = DEFAULT
    ) -> Redirect:
        """Send the browser to the provider."""
        begun = await sign_in.begin(return_to)
        cookie = cookie_jar.sign_in(begun.state, begun.browser_secret)
        return Redirect(begun.url, status_code=303, cookies=[cookie], headers=NOT_STORED)

    @get(
        "/callback",
        operation_id="finishSignIn",
        summary="Where the identity provider sends the browser back to",
        status_code=303,
        exception_handlers=IN_THE_BROWSER,
        **access(PUBLIC, 400, 403, 502, 503),
    )
    async def finish_sign_in(
        self, request: AnyRequest, sign_in: SignIn, cookie_jar: CookieJar
    ) -> Redirect:
        """Open the session and send the browser on."""
        answer = convert(dict(request.query_params), ProviderAnswer, strict=False)
        opened = await sign_in.finish(
            answer,
            cookie_jar.sign_in_in(request.cookies, answer.state),
            cookie_jar.session_in(request.cookies),
        )
        jar = [cookie_jar.session(opened.cookie), cookie_jar.no_sign_in(answer.state)]
        return Redirect(opened.url, status_code=303, cookies=jar, headers=NOT_STORED)

    @post(
        "/login",
        operation_id="signInWithPassword",
        summary="Sign in by user name and password (Authorization: Basic)",
        status_code=200,
        **access(PUBLIC, 400, 403, 429, 502, 503),
    )
    async def sign_in_with_password(
        self, request: AnyRequest, sign_in: SignIn, cookie_jar: CookieJar, addresses: Whereabouts
    ) -> Response[Message]:
        """Open a session for the user that the provider knows by this password."""
        sign_in.require_password_login()
        cookie = await sign_in.sign_in_with_password(
            basic_credentials(request.headers.get("authorization", "")),
            addresses.of(request),
            cookie_jar.session_in(request.cookies),
        )
        return Response(
            Message("Login successful"), cookies=[cookie_jar.session(cookie)], headers=NOT_STORED
        )

    @get(
        "/me",
        operation_id="getMe",
        summary="Who is signed in, what that allows, and until when",
        **access(AUTHENTICATED),
    )
    async def get_me(self, request: Request[Principal, None, State]) -> Response[Me]:
        """Say who calls."""
        caller = request.user
        me = Me(
            message="Authenticated",
            sub=caller.subject,
            username=caller.username,
            scopes=sorted(caller.scopes),
            expires_at=datetime.fromtimestamp(caller.expires_at, UTC),
        )
        return Response(me, headers=NOT_STORED)

    @post(
        "/logout",
        operation_id="signOut",
        summary="End the session; endSessionUrl signs out of the provider too",
        status_code=200,
        **access(SESSION_HOLDER),
    )
    async def sign_out(
        self, request: AnyRequest, sign_in: SignIn, cookie_jar: CookieJar
    ) -> Response[SignedOut]:
        """End the session at once."""
        url = await sign_in.sign_out(cookie_jar.session_in(request.cookies) or "")
        answer = SignedOut("Logout successful", url)
        return Response(answer, cookies=[cookie_jar.no_session()], headers=NOT_STORED)

    @post(
        "/backchannel-logout",
        operation_id="signOutAsTold",
        summary="For the identity provider: end the sessions that a logout token names",
        status_code=200,
        **access(PUBLIC, 400, 503),
    )
    async def sign_out_as_told(
        self, sign_in: SignIn, data: URLEncodedBody[LogoutForm]
    ) -> Response[str]:
        """End those sessions."""
        await sign_in.sign_out_as_told(data.logout_token)
        return Response("", media_type=MediaType.TEXT, headers=NOT_STORED)
