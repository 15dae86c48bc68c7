"""Draw how well repeated orders are foretold: `python docs/draw_forecast.py`, which needs the public CDNOW data set.

Figure 2 of Fader, Hardie and Lee (2005): all repeated orders since the first week, as they came and as the model has
them, fitted to the first 39 weeks.
"""

from pathlib import Path

import numpy as np

from benchmarks.lifetime import CDNOW_DAYS, cdnow_customers, cdnow_days
from pipelines.scoring.lifetime import bg_nbd
from pipelines.scoring.lifetime.history import same_histories

PICTURE = Path(__file__).with_name("pictures") / "cdnow_forecast.svg"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, WEEKS, MOST = 760, 400, 70, 350, 50, 78, 5000
CAME, FORETOLD, FAINT, INK = "#1f5f8b", "#d1495b", "#d9d9d9", "#333333"


def main() -> None:
    """Fit, count and draw."""
    customers, days = cdnow_customers(), cdnow_days()
    if customers is None or days is None:
        raise SystemExit("CDNOW_sample.txt was not found: set RAPPORT_REAL_DATA.")
    frequency, recency, age, _ = customers
    timing, _ = bg_nbd.fit(same_histories(frequency, recency, age))
    person, day = days
    first = np.full(person.max() + 1, day.max())
    np.minimum.at(first, person, day)
    repeated = day[day > first[person]]
    weeks = np.arange(1, WEEKS + 1)
    came = [int((repeated < 7 * week).sum()) for week in weeks]
    since = [np.maximum(7 * week - 1 - first, 0) / 7 for week in weeks]
    foretold = [float(bg_nbd.expected_repeat_orders(timing, each).sum()) for each in since]
    PICTURE.write_text(_picture(came, foretold))
    print(f"week 39: {foretold[38]:,.0f} for {came[38]:,}; week 78: {foretold[77]:,.0f} for {came[77]:,}")


def _x(week: float) -> float:
    return LEFT + (WIDTH - LEFT - 20) * week / WEEKS


def _y(orders: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * orders / MOST


def _line(values: list[int] | list[float], colour: str, dashes: str) -> str:
    points = " ".join(f"{_x(week + 1):.1f},{_y(value):.1f}" for week, value in enumerate(values))
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}" points="{points}"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle", colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def _picture(came: list[int], foretold: list[float]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 26, "CDNOW: repeated orders of 2,357 customers since the first week", "start"),
    ]
    for orders in range(0, MOST + 1, 1000):
        parts.append(f'<path d="M{LEFT} {_y(orders):.1f}H{WIDTH - 20}" stroke="{FAINT}"/>')
        parts.append(_text(LEFT - 8, _y(orders) + 4, f"{orders:,}", "end"))
    parts += [_text(_x(week), BOTTOM + 20, str(week)) for week in range(0, WEEKS + 1, 13)]
    split = _x(CDNOW_DAYS / 7)
    parts += [
        f'<path d="M{split:.1f} {TOP}V{BOTTOM}" stroke="{INK}" stroke-dasharray="3 4"/>',
        _text(split - 8, TOP + 14, "learnt from", "end"),
        _text(split + 8, TOP + 14, "foretold", "start"),
        _text((LEFT + WIDTH) / 2, HEIGHT - 10, "week"),
        _line(came, CAME, "none"),
        _line(foretold, FORETOLD, "7 4"),
        _text(_x(WEEKS) - 4, _y(came[-1]) - 10, f"came: {came[-1]:,}", "end", CAME),
        _text(_x(WEEKS) - 4, _y(foretold[-1]) + 26, f"model: {foretold[-1]:,.0f}", "end", FORETOLD),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
