"""How fast the page of equipment draws: many lines at once, and moving over many readings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import asyncpg
from playwright.async_api import Page

from bench.month import REFRESH

LINES = 20
DAYS = 30
READINGS = 100_000
END = datetime(2026, 3, 1, tzinfo=UTC)
SETTLED_MILLISECONDS = 1000
LOADED_MILLISECONDS = 120_000

STORE = """
INSERT INTO readings (equipment_id, ts, value)
SELECT
    $1 || lpad(equipment::text, 2, '0'),
    $4::timestamptz - number * $5::interval,
    10 * equipment + sin(number / 50.0) + random()
FROM generate_series(1, $2::int) AS equipment, generate_series(1, $3::int) AS number
"""
# When the frame was shown that the last line was drawn in.
WATCH_LINES = """
const { stroke } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.stroke = function (...path) {
  if (path.length > 0)
    requestAnimationFrame(() => setTimeout(() => { window.drawnAt = performance.now(); }));
  return stroke.apply(this, path);
};
"""
DRAWN_AFTER = """
window.drawnAt - Math.max(...performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/sensor-data/aggregated"))
  .map(({ responseEnd }) => responseEnd))
"""
# Milliseconds from frame to frame while the chart is dragged to and fro with Shift.
PAN = """async () => {
  const area = document.querySelector("[role=slider] .u-over");
  const { left, top, width } = area.getBoundingClientRect();
  let x = left + width / 2;
  const send = (type) => area.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, clientX: x, clientY: top + 50, shiftKey: true, bubbles: true,
  }));
  area.setPointerCapture = () => undefined;
  send("pointerdown");
  const frames = [];
  let before = await new Promise(requestAnimationFrame);
  for (let step = 0; step < 240; step++) {
    x += step % 80 < 40 ? 7 : -7;
    send("pointermove");
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  send("pointerup");
  return frames;
}"""


async def store_lines(pool: asyncpg.Pool) -> None:
    """A month of 20 pieces of equipment, and of one so many readings at one a second."""
    quarter = timedelta(minutes=15)
    await pool.execute(STORE, "line-", LINES, DAYS * 24 * 4, END, quarter)
    await pool.execute(STORE, "dense-", 1, READINGS, END, timedelta(seconds=1))
    for statement in REFRESH:
        await pool.execute(statement)


async def drawn_after(page: Page) -> float:
    """Milliseconds from the answer, a month of hourly buckets of all lines, until they are seen."""
    await page.add_init_script(WATCH_LINES)
    others = [("with", f"line-{number:02}") for number in range(2, LINES + 1)]
    await page.goto(_address("line-01", timedelta(days=DAYS), [("resolution", "1h"), *others]))
    await page.get_by_role("slider").wait_for()
    await page.wait_for_timeout(SETTLED_MILLISECONDS)
    return float(await page.evaluate(DRAWN_AFTER))


async def frames_of_panning(page: Page) -> Sequence[float]:
    """The milliseconds of each frame while the chart is moved over every reading."""
    await page.goto(_address("dense-01", timedelta(seconds=READINGS), [("resolution", "raw")]))
    count = page.get_by_text(f"Every reading: {READINGS:,}")
    await count.wait_for(timeout=LOADED_MILLISECONDS)
    frames: list[float] = await page.evaluate(PAN)
    return frames


def _address(equipment_id: str, length: timedelta, more: list[tuple[str, str]]) -> str:
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%S}Z" for moment in (END - length, END))
    return f"/ui/equipment/{equipment_id}?{urlencode([('from', start), ('to', end), *more])}"
