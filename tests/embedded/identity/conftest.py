from collections.abc import Iterator

import httpx
import pytest

from embedded.identity import IdentityProvider
from tests.embedded.identity.browser import CLIENT_ORIGIN, Browser


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    data_dir = tmp_path_factory.mktemp("identity")
    with IdentityProvider.serve(data_dir, client_origins=[CLIENT_ORIGIN]) as provider:
        yield provider


@pytest.fixture
def http(provider: IdentityProvider) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=provider.issuer) as client:
        yield client


@pytest.fixture
def browser(http: httpx.Client) -> Browser:
    return Browser(http)
