import httpx
import pytest

from embedded.identity import IdentityProvider
from tests.embedded.identity.browser import (
    CLIENT_ORIGIN,
    OIDC_SCOPES,
    Browser,
    Page,
    authorization_response,
    redirects_to_client,
    token_response,
)
from tests.embedded.identity.tokens import claims

TEST_USER = ("test-user", "test-1234")
RADIX = ("radix", "Radix2024@")
TEST_USER_SUB = "6d1f5d0c-3b7e-4c52-9f0e-5a2a1f7c9b10"


@pytest.mark.parametrize(
    ("username", "password"),
    [("test-user", "wrong"), ("nobody", "test-1234"), ("test-user", "Radix2024@"), ("", "")],
)
def test_wrong_credentials_show_an_error_and_the_form_again(
    browser: Browser, username: str, password: str
) -> None:
    page = Page(browser.sign_in(username, password))
    assert page.status == 401
    assert "Wrong username or password." in page.text
    assert page.all("input")[0]["value"] == username
    assert "value" not in page.all("input")[1]


def test_a_wrong_password_can_be_corrected(browser: Browser) -> None:
    failed = browser.sign_in("test-user", "wrong")
    page = Page(browser.submit(failed, username="test-user", password="test-1234"))
    assert "Allow Sensor Flow?" in page.text


def test_the_submitted_username_is_escaped(browser: Browser) -> None:
    page = Page(browser.sign_in('"><script>alert(1)</script>', "x"))
    assert not page.all("script")
    assert page.all("input")[0]["value"] == '"><script>alert(1)</script>'


def test_denied_consent_returns_access_denied(browser: Browser) -> None:
    consent = browser.sign_in(*TEST_USER)
    response = authorization_response(browser.submit(consent, action="cancel"))
    assert response["error"] == "access_denied"
    assert response["state"] == "some-state"
    assert "code" not in response


def test_a_cancelled_sign_in_returns_access_denied(browser: Browser) -> None:
    page = browser.request_authorization()
    assert authorization_response(browser.submit(page, action="cancel"))["error"] == "access_denied"


def test_consent_names_the_client_the_user_and_what_is_granted(browser: Browser) -> None:
    page = Page(browser.sign_in(*TEST_USER, f"{OIDC_SCOPES} readings:read imports:write"))
    assert "Allow Sensor Flow?" in page.text
    assert "Test User" in page.text
    assert "Read readings and rollups" in page.text
    assert "Upload files to import" in page.text
    assert "Send readings" not in page.text


def test_consent_redirects_to_the_client_with_a_code_and_its_state(
    browser: Browser, provider: IdentityProvider
) -> None:
    response = authorization_response(browser.submit(browser.sign_in(*TEST_USER)))
    assert set(response) == {"code", "state", "iss"}
    assert response["state"] == "some-state"
    assert response["iss"] == provider.issuer


def test_the_users_access_token_is_for_the_api(
    browser: Browser, http: httpx.Client, provider: IdentityProvider
) -> None:
    issued = browser.sign_in_and_consent(*TEST_USER, f"{OIDC_SCOPES} readings:read")
    token = claims(http, issued["access_token"])
    assert token["iss"] == provider.issuer
    assert token["aud"] == "sensorflow-api"
    assert token["sub"] == TEST_USER_SUB
    assert token["client_id"] == "sensorflow"
    assert token["scope"] == "readings:read"


def test_the_id_token_names_the_user_and_repeats_the_nonce(
    browser: Browser, http: httpx.Client
) -> None:
    issued = browser.sign_in_and_consent(*TEST_USER, OIDC_SCOPES)
    token = claims(http, issued["id_token"])
    assert token["sub"] == TEST_USER_SUB
    assert token["aud"] == "sensorflow"
    assert token["nonce"] == "some-nonce"
    assert token["name"] == "Test User"
    assert token["preferred_username"] == "test-user"
    assert token["email"] == "test-user@example.org"


@pytest.mark.parametrize(
    ("user", "granted"),
    [(TEST_USER, "readings:read"), (RADIX, "readings:read admin")],
    ids=["user", "administrator"],
)
def test_a_user_grants_no_more_than_the_scopes_of_the_user(
    browser: Browser, user: tuple[str, str], granted: str
) -> None:
    issued = browser.sign_in_and_consent(*user, f"{OIDC_SCOPES} readings:read admin")
    assert set(issued["scope"].split()) - set(OIDC_SCOPES.split()) == set(granted.split())


def test_a_second_request_of_the_same_session_needs_no_page(browser: Browser) -> None:
    browser.sign_in_and_consent(*TEST_USER, f"{OIDC_SCOPES} readings:read admin")
    again = browser.request_authorization(f"{OIDC_SCOPES} readings:read admin")
    assert "code" in authorization_response(again)


def test_a_second_request_for_more_scopes_prompts_for_consent(browser: Browser) -> None:
    browser.sign_in_and_consent(*TEST_USER, f"{OIDC_SCOPES} readings:read")
    again = browser.request_authorization(f"{OIDC_SCOPES} readings:read imports:read")
    assert "Allow Sensor Flow?" in Page(again).text
    issued = token_response(browser.exchange(authorization_response(browser.submit(again))["code"]))
    assert {"readings:read", "imports:read"} <= set(issued["scope"].split())


def test_a_refresh_token_returns_a_new_access_token(browser: Browser, http: httpx.Client) -> None:
    issued = browser.sign_in_and_consent(*TEST_USER, f"{OIDC_SCOPES} readings:read")
    response = http.post(
        "/token",
        data={
            "grant_type": "refresh_token",
            "client_id": "sensorflow",
            "refresh_token": issued["refresh_token"],
        },
    )
    renewed = claims(http, token_response(response)["access_token"])
    assert renewed["scope"] == "readings:read"
    assert renewed["aud"] == "sensorflow-api"
    assert renewed["jti"] != claims(http, issued["access_token"])["jti"]


def test_a_code_with_another_verifier_returns_no_token(browser: Browser) -> None:
    code = authorization_response(browser.submit(browser.sign_in(*TEST_USER)))["code"]
    response = browser.exchange(code, verifier="x" * 43)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"


def test_a_code_used_twice_revokes_its_tokens(browser: Browser, http: httpx.Client) -> None:
    code = authorization_response(browser.submit(browser.sign_in(*TEST_USER)))["code"]
    refresh_token = token_response(browser.exchange(code))["refresh_token"]
    assert browser.exchange(code).json()["error"] == "invalid_grant"
    data = {
        "grant_type": "refresh_token",
        "client_id": "sensorflow",
        "refresh_token": refresh_token,
    }
    assert http.post("/token", data=data).json()["error"] == "invalid_grant"


def test_a_request_without_pkce_is_rejected(browser: Browser) -> None:
    response = authorization_response(
        browser.request_authorization(code_challenge="", code_challenge_method="")
    )
    assert response["error"] == "invalid_request"


def test_another_redirect_uri_shows_an_error_instead_of_redirecting(browser: Browser) -> None:
    response = browser.request_authorization(redirect_uri=f"{CLIENT_ORIGIN}/elsewhere")
    assert not redirects_to_client(response)
    assert response.status_code == 400
    assert "redirect_uri" in Page(response).text


def test_an_interaction_of_another_browser_is_rejected(
    browser: Browser, provider: IdentityProvider
) -> None:
    page = browser.request_authorization()
    with httpx.Client(base_url=provider.issuer) as other:
        response = other.post(page.url, data={"action": "continue"})
    assert response.status_code == 400
    assert "This did not work" in response.text


def test_a_form_over_the_size_limit_is_rejected(browser: Browser) -> None:
    page = browser.request_authorization()
    assert browser.submit(page, username="x" * 20_000).status_code == 413


def test_sign_out_ends_the_session_and_redirects_to_the_client(
    browser: Browser, http: httpx.Client
) -> None:
    id_token = browser.sign_in_and_consent(*TEST_USER, OIDC_SCOPES)["id_token"]
    query = {"id_token_hint": id_token, "post_logout_redirect_uri": f"{CLIENT_ORIGIN}/"}
    page = Page(http.get("/session/end", params=query))
    assert "Sign out?" in page.text

    form = page.all("form")[0]
    xsrf = page.all("input")[0]["value"]
    response = http.post(str(form["action"]), data={"xsrf": str(xsrf), "logout": "yes"})
    assert response.headers["location"] == f"{CLIENT_ORIGIN}/"
    assert "Username" in Page(browser.request_authorization()).text


@pytest.mark.parametrize("name", ["login", "consent", "logout", "error"])
def test_a_page_is_html_with_labelled_fields_and_nothing_from_elsewhere(
    browser: Browser, http: httpx.Client, name: str
) -> None:
    page = Page(show_page(browser, http, name))
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    fields = {field["id"] for field in page.all("input") if field.get("type") != "hidden"}
    assert fields == {label["for"] for label in page.all("label")}
    assert not [tag for tag, attributes in page.tags if {"src", "href"} & set(attributes)]


def show_page(browser: Browser, http: httpx.Client, page: str) -> httpx.Response:
    match page:
        case "login":
            return browser.request_authorization()
        case "consent":
            return browser.sign_in(*TEST_USER)
        case "logout":
            browser.sign_in(*TEST_USER)
            return http.get("/session/end")
        case _:
            return browser.request_authorization(client_id="nobody")
