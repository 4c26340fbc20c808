"""Files that a user drops on a page, as the browser itself gets them from a file manager."""

from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Page

COPY = 1


async def drop_files(page: Page, paths: Sequence[Path]) -> None:
    """Carry the files and folders over the middle of the page, and let go of them."""
    session = await page.context.new_cdp_session(page)
    size = page.viewport_size or {"width": 800, "height": 600}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": COPY}
    place = {"x": size["width"] // 2, "y": size["height"] // 3, "data": data}
    for event in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": event, **place})
    await session.detach()


def write_files(folder: Path, **contents: str | bytes) -> list[Path]:
    """A file of each content, named by its key with the last underscore as the dot."""
    paths = []
    for name, content in contents.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return paths
