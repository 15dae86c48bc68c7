"""Draw how far the risk of leaving was off, tenth by tenth: `python docs/draw_churn.py` after `make demo`."""

import json
from pathlib import Path

from chart import BLUE, INK, Chart

from messaging.release import ReleaseReader
from messaging.settings import read_settings

PICTURE = Path(__file__).with_name("pictures") / "churn_calibration.svg"
FIT = "SELECT fit FROM c360.model_fits WHERE model = 'churn' AND fit IS NOT NULL"
MARKS = [(share / 10, f"{share * 10} %") for share in range(0, 11, 2)]


def main() -> None:
    """Read what the published release says of its model, and draw it."""
    with ReleaseReader(read_settings().releases_dir).snapshot() as snapshot:
        found = snapshot.row(FIT)
    if found is None:
        raise SystemExit(
            "Churn is judged by rules in this release: there is nothing that was learnt to draw."
        )
    fit = json.loads(found["fit"])
    PICTURE.write_text(_picture(fit))
    print(f"AUC {fit['auc']:.2f}; a tenth is {fit['error']:.3f} off on average")


def _picture(fit: dict[str, list[tuple[float, float, int]]]) -> str:
    people = sum(count for _, _, count in fit["tenths"])
    chart = Chart(
        f"The sample company: {people:,} buyers in tenths by risk, foretold without knowing them", (1, 1)
    )
    chart.grid(MARKS, MARKS, "risk that was foretold (the dashed line: what happened was foretold exactly)")
    chart.line([(0, 0), (1, 1)], INK, "3 4")
    chart.line([(foretold, happened) for foretold, happened, _ in fit["tenths"]], BLUE)
    for foretold, happened, _ in fit["tenths"]:
        chart.dot(foretold, happened, BLUE)
    chart.text(chart.x(0) + 8, chart.y(1) - 8, "did not order in time", "start")
    return chart.to_svg()


if __name__ == "__main__":
    main()
