"""Draw how well repeated orders are foretold: `python docs/draw_forecast.py`, which needs the public CDNOW data set.

Figure 2 of Fader, Hardie and Lee (2005): all repeated orders since the first week, as they came and as the model has
them, fitted to the first 39 weeks.
"""

from pathlib import Path

import numpy as np
from chart import BLUE, INK, RED, Chart

from benchmarks.lifetime import CDNOW_DAYS, cdnow_customers, cdnow_days
from pipelines.scoring.lifetime import bg_nbd
from pipelines.scoring.lifetime.history import same_histories

PICTURE = Path(__file__).with_name("pictures") / "cdnow_forecast.svg"
WEEKS, MOST = 78, 5000


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


def _picture(came: list[int], foretold: list[float]) -> str:
    chart = Chart("CDNOW: repeated orders of 2,357 customers since the first week", (WEEKS, MOST))
    weeks = [(week, str(week)) for week in range(0, WEEKS + 1, 13)]
    chart.grid(weeks, [(orders, f"{orders:,}") for orders in range(0, MOST + 1, 1000)], "week")
    split = CDNOW_DAYS / 7
    chart.line([(split, 0), (split, MOST)], INK, "3 4")
    chart.text(chart.x(split) - 8, chart.y(MOST) + 14, "learnt from", "end")
    chart.text(chart.x(split) + 8, chart.y(MOST) + 14, "foretold", "start")
    chart.line(list(enumerate(came, start=1)), BLUE)
    chart.line(list(enumerate(foretold, start=1)), RED, "7 4")
    chart.text(chart.x(WEEKS) - 4, chart.y(came[-1]) - 10, f"came: {came[-1]:,}", "end", BLUE)
    chart.text(chart.x(WEEKS) - 4, chart.y(foretold[-1]) + 26, f"model: {foretold[-1]:,.0f}", "end", RED)
    return chart.to_svg()


if __name__ == "__main__":
    main()
