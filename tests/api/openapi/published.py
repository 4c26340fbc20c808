"""What is published of the API for other programs: docs/openapi.json, and docs/bruno made of it.

`python -m tests.api.openapi.published` checks that they are of this source; --write renews them.
"""

import json
import shutil
import sys
from pathlib import Path

from litestar.serialization import encode_json

from api.app import create_app
from tests.api.openapi.bruno import collection
from tests.api.serving import server_settings

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = DOCS / "openapi.json"
COLLECTION = DOCS / "bruno"
STALE = "{} is not of this API: run python -m tests.api.openapi.published --write\n"


def openapi_document() -> bytes:
    """The document as the server serves it; none has to run for that."""
    nowhere = "127.0.0.1:1"
    settings = server_settings(f"postgresql://{nowhere}/none", f"http://{nowhere}", Path("none"))
    return encode_json(create_app(settings).openapi_schema.to_schema())


def expected_files() -> dict[Path, str]:
    """The text of each published file."""
    document = json.loads(openapi_document())
    # In order: Litestar holds some names of the document in sets.
    ordered = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    requests = {COLLECTION / name: text for name, text in collection(document).items()}
    return {DOCUMENT: f"{ordered}\n", **requests}


def stale_files() -> list[Path]:
    """Files that are missing, differ, or are of no operation any more."""
    expected = expected_files()
    found = {path for path in COLLECTION.rglob("*") if path.is_file()} | {DOCUMENT}
    return sorted(
        path
        for path in found | set(expected)
        if not path.is_file() or path.read_text() != expected.get(path)
    )


def write() -> None:
    """Renew every file."""
    expected = expected_files()
    shutil.rmtree(COLLECTION, ignore_errors=True)
    for path, text in expected.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main(option: str = "") -> int:
    """Check or write; the exit status."""
    if option == "--write":
        write()
    stale = stale_files()
    sys.stderr.writelines(STALE.format(path) for path in stale)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
