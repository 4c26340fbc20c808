"""Whatever is sent, the responses conform to the OpenAPI document and are no internal errors.

A short run each time; SENSORFLOW_FUZZ_SECONDS=600 makes it a long one.
"""

import asyncio
import os
import sys
from pathlib import Path

import httpx2
import pytest

SECONDS = int(os.environ.get("SENSORFLOW_FUZZ_SECONDS", "10"))

# Well-formed input may still be rejected: a range that ends before it begins. Input that breaks the
# schema may be reported in a 200, as in batches that are stored in part, or be nothing to write, as
# no lines are for InfluxDB. And the framework's response to OPTIONS names the methods of only one
# handler where a path has several.
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection,allow_header_conformance"


@pytest.mark.timeout(SECONDS + 120)
async def test_no_response_is_an_internal_error_or_outside_of_the_schema(
    client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{client.base_url}/docs/openapi.json",
        *("--header", f"Authorization: {client.headers['authorization']}"),
        *("--checks", "all", "--exclude-checks", NOT_CHECKED),
        *("--max-time", str(SECONDS), "--no-shrink", "--continue-on-failure", "--warnings", "off"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert " 0 generated" not in output.decode()
