"""The two ways in which a reading is stored: the lean path, and the framework's route."""

import httpx2

# Headers by which a request takes the one or the other, once its token is known.
WAYS = {"lean": {}, "framework": {"Cookie": "any=thing"}}


async def make_token_known(client: httpx2.AsyncClient) -> None:
    """Have the server verify the client's token, which it does before a first lean request."""
    (await client.get("/auth/me")).raise_for_status()
