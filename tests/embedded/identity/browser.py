"""A user with a browser, whom the client `sensorflow` redirects to the provider."""

import base64
import hashlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx

CLIENT_ORIGIN = "http://127.0.0.1:8000"
REDIRECT_URI = f"{CLIENT_ORIGIN}/auth/callback"
VERIFIER = "a-code-verifier-of-at-least-forty-three-characters"
OIDC_SCOPES = "openid profile email"


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.url = response.url
        self.status = response.status_code
        self.headers = response.headers
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


class Browser:
    """Stores cookies and follows redirects, until one goes back to the client."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def request_authorization(self, scope: str = OIDC_SCOPES, **changed: str) -> httpx.Response:
        challenge = hashlib.sha256(VERIFIER.encode()).digest()
        query = {
            "client_id": "sensorflow",
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": scope,
            "state": "some-state",
            "nonce": "some-nonce",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changed,
        }
        return self._follow(self._http.get("/auth", params={k: v for k, v in query.items() if v}))

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        return self._follow(self._http.post(page.url, data={"action": "continue", **fields}))

    def sign_in(self, username: str, password: str, scope: str = OIDC_SCOPES) -> httpx.Response:
        page = self.request_authorization(scope)
        return self.submit(page, username=username, password=password)

    def sign_in_and_consent(self, username: str, password: str, scope: str) -> dict[str, str]:
        """The token response that the client gets."""
        response = authorization_response(self.submit(self.sign_in(username, password, scope)))
        return token_response(self.exchange(response["code"]))

    def exchange(self, code: str, verifier: str = VERIFIER) -> httpx.Response:
        return self._http.post(
            "/token",
            data={
                "grant_type": "authorization_code",
                "client_id": "sensorflow",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": REDIRECT_URI,
            },
        )

    def _follow(self, response: httpx.Response) -> httpx.Response:
        while response.next_request and not redirects_to_client(response):
            response = self._http.send(response.next_request)
        return response


def redirects_to_client(response: httpx.Response) -> bool:
    location: str = response.headers.get("location", "")
    return location.startswith(CLIENT_ORIGIN)


def authorization_response(response: httpx.Response) -> dict[str, str]:
    """The parameters of the redirect back to the client."""
    assert redirects_to_client(response), response.text
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def token_response(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return dict(response.json())
