"""The colours of charts, held against the grounds on which they are drawn."""

import pytest

from dashboard import palette
from dashboard.components import audience, campaign_review, charts, feedback_charts
from messaging.colours import contrast

LEAST = 3  # WCAG 2.2, 1.4.11: what is drawn, and has to be seen to be understood
DRAWN = {
    **palette.CHANNELS,
    **{f"category {number}": colour for number, colour in enumerate(palette.CATEGORIES)},
    **dict(audience.MESSAGES.values()),
    **feedback_charts.SPLIT,
    "a month so far": charts.SO_FAR,
    "held out": campaign_review.HELD,
    "left out": campaign_review.OUT,
}


@pytest.mark.parametrize("ground", [palette.PAPER, palette.MIST])
@pytest.mark.parametrize("name", DRAWN)
def test_what_a_chart_draws_stands_out_from_its_ground(name: str, ground: str) -> None:
    assert contrast(DRAWN[name], ground) >= LEAST
