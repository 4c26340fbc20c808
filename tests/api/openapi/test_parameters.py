"""Each route accepts exactly the query parameters that the OpenAPI document describes."""

from typing import Any

import httpx2

from tests.api.openapi.test_reference import document

# Their parameters are arguments of the handlers: Litestar makes parser and document of them.
FROM_SIGNATURES = {
    "beginSignIn",
    "listImports",
    "getImport",
    "putContent",
    "getRejects",
    "repairRejects",
}

# InfluxDB's clients send more parameters than the one that counts.
IGNORING_OTHERS = {
    *("writeLineProtocol", "writeLineProtocolByOldPath", "writeLineProtocolByNewPath"),
    *("ping", "queryInfluxDB", "queryInfluxDBByForm"),
}

LENIENT = FROM_SIGNATURES | IGNORING_OTHERS


def query_names(operation: dict[str, Any]) -> set[str]:
    parameters = operation.get("parameters", ())
    return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}


async def documented_names(client: httpx2.AsyncClient) -> dict[tuple[str, str], set[str]]:
    """The names of query parameters by method and path, of routes that refuse any other."""
    return {
        (method, path): names
        for path, item in (await document(client))["paths"].items()
        for method, operation in item.items()
        if (names := query_names(operation)) and operation["operationId"] not in LENIENT
    }


async def test_each_route_accepts_the_parameters_that_it_documents_and_no_other(
    client: httpx2.AsyncClient,
) -> None:
    documented = await documented_names(client)
    assert len(documented) == 9
    every_name = {"undocumented"}.union(*documented.values())
    for (method, path), names in documented.items():
        response = await client.request(method, path, params=dict.fromkeys(every_name, "x"))
        assert response.status_code == 400, (method, path)
        errors = response.json()["errors"]
        unknown = {error["field"] for error in errors if error["code"] == "unknown_parameter"}
        assert every_name - unknown == names, (method, path)
