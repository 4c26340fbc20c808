"""The TypeScript types of the API, generated from the OpenAPI document of this source.

`python -m tests.dashboard.api_types` checks that those in web/ are these; --write renews them.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from embedded.node import find_node, install_packages
from tests.api.openapi.published import openapi_document

WEB = Path(__file__).parents[2] / "web"
TYPES = WEB / "src" / "api" / "schema.d.ts"
GENERATOR = WEB / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
STALE = f"{TYPES} is not of this API: run python -m tests.dashboard.api_types --write\n"


def generated_types() -> str:
    """What the generator makes of it."""
    install_packages(WEB)
    with TemporaryDirectory() as folder:
        document, types = Path(folder, "openapi.json"), Path(folder, "schema.d.ts")
        document.write_bytes(openapi_document())
        # In order: Litestar holds some names of the document in sets.
        command = (find_node().executable, GENERATOR, document, "--alphabetize", "--output", types)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
        return types.read_text()


def main(option: str = "") -> int:
    """Check or write; the exit status."""
    types = generated_types()
    if option == "--write":
        TYPES.write_text(types)
    elif TYPES.read_text() != types:
        sys.stderr.write(STALE)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
