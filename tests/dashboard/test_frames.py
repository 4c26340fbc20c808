"""How long the dashboard takes to draw, measured in the browser and logged; it decides no test.

SENSORFLOW_MEASURE_FRAMES=3 .venv/bin/pytest -o log_cli=true --log-cli-level=INFO \\
    tests/dashboard/test_frames.py

measures three times. The figures are worth something on a machine that does nothing else.
"""

import logging
import os
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from core.database import Pool
from tests.auth.chromium import needs_chromium
from tests.dashboard.pages import sign_in

RUNS = int(os.environ.get("SENSORFLOW_MEASURE_FRAMES", "0"))

pytestmark = [
    needs_chromium,
    pytest.mark.skipif(RUNS == 0, reason="SENSORFLOW_MEASURE_FRAMES says how often to measure"),
]
logger = logging.getLogger(__name__)

LINES = 20
POINTS = 100_000
END = datetime(2026, 3, 1, tzinfo=UTC)

# When the frame was shown that the last line was drawn in.
NOTE_STROKES = """
const stroke = CanvasRenderingContext2D.prototype.stroke;
CanvasRenderingContext2D.prototype.stroke = function (...path) {
    if (path.length > 0)
        requestAnimationFrame(() => setTimeout(() => { window.drawnAt = performance.now(); }));
    return stroke.apply(this, path);
};
"""
DRAWN_AFTER = """
window.drawnAt - Math.max(...performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/sensor-data/aggregated'))
    .map(({ responseEnd }) => responseEnd))
"""
# Milliseconds from frame to frame while the chart is dragged to and fro with Shift.
PAN = """async () => {
    const area = document.querySelector('[role=slider] .u-over');
    const { left, top, width } = area.getBoundingClientRect();
    let x = left + width / 2;
    const send = (type) => area.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, clientX: x, clientY: top + 50, shiftKey: true, bubbles: true,
    }));
    area.setPointerCapture = () => undefined;
    send('pointerdown');
    const frames = [];
    let before = await new Promise(requestAnimationFrame);
    for (let step = 0; step < 240; step++) {
        x += step % 80 < 40 ? 7 : -7;
        send('pointermove');
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - before);
        before = now;
    }
    send('pointerup');
    return frames;
}"""


async def store(pool: Pool, equipment: int, count: int, step: timedelta) -> None:
    """So many readings of each piece of equipment, up to the end."""
    await pool.execute(
        """
        INSERT INTO readings (equipment_id, ts, value)
        SELECT
            'sensor-' || lpad(equipment::text, 2, '0'),
            $3::timestamptz - number * $4::interval,
            10 * equipment + sin(number / 50.0) + random()
        FROM generate_series(1, $1::int) AS equipment, generate_series(1, $2::int) AS number
        """,
        equipment,
        count,
        END,
        step,
    )


def report(what: str, milliseconds: list[float]) -> None:
    """The middle, the slowest of twenty and the slowest."""
    ordered = sorted(milliseconds)
    middle, slow = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    logger.info("%s: %.1f ms, 95 %% %.1f ms, most %.1f ms", what, middle, slow, ordered[-1])


async def test_a_month_of_hourly_buckets_of_twenty_lines(page: Page, pool: Pool) -> None:
    await store(pool, LINES, 30 * 24 * 4, timedelta(minutes=15))
    start = (END - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    others = "".join(f"&with=sensor-{number:02}" for number in range(2, LINES + 1))
    await page.add_init_script(NOTE_STROKES)
    await page.goto("/ui")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    drawn = []
    for _ in range(RUNS):
        await page.goto(
            f"/ui/equipment/sensor-01?from={start}&to=2026-03-01T00:00:00Z&resolution=1h{others}"
        )
        await expect(page.get_by_role("slider")).to_be_visible()
        await page.wait_for_timeout(1000)
        drawn.append(await page.evaluate(DRAWN_AFTER))
    report("a month of hourly buckets of 20 lines drawn", drawn)


async def test_panning_over_every_reading(page: Page, pool: Pool) -> None:
    await store(pool, 1, POINTS, timedelta(seconds=1))
    start = (END - timedelta(seconds=POINTS)).isoformat().replace("+00:00", "Z")
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.goto(f"/ui/equipment/sensor-01?from={start}&to=2026-03-01T00:00:00Z&resolution=raw")
    await sign_in(page)
    await expect(page.get_by_text("Every reading: 100,000")).to_be_visible(timeout=60_000)
    for _ in range(RUNS):
        report("a frame of panning over 100,000 readings", await page.evaluate(PAN))
