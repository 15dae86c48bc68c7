"""The card shows nothing whose sums do not close."""

from dataclasses import replace

import pytest

from pipelines.samples.card import Campaign, Card, CardDoesNotCloseError, Outcome, People, Rows, Stop, show

ROWS = Rows(rows_in=10, accepted=7, already_landed=1, set_aside={"a value has the wrong form": 2})
PEOPLE = People(
    hidden=5, whole=2, with_strangers=0, split=2, unseen=1, found=6, merged_strangers=0, precision=0.98,
    recall=0.71, recall_ceiling=0.92, guest_orders=2,
)  # fmt: skip
CAMPAIGN = Campaign(
    title="Win back",
    matched=9,
    sent={"delivered": 4, "waiting": 1},
    held_out=1,
    excluded={"They did not say that we may.": 3},
    taken=4,
    taken_by_provider=4,
    segments=5,
)
OUTCOME = Outcome("order", "Too early to say.", "Ada", "msg_1", ("It has arrived.",))
CARD = Card(
    ROWS, PEOPLE, CAMPAIGN, Stop("cus_1", "STOP", "They asked us to stop.", ()), OUTCOME, (), 1.0, 100
)


def test_a_card_whose_sums_close_is_given_back() -> None:
    assert CARD.check() is CARD


@pytest.mark.parametrize(
    ("card", "named"),
    [
        (replace(CARD, rows=replace(ROWS, accepted=8)), "rows in"),
        (replace(CARD, people=replace(PEOPLE, split=3)), "people hidden"),
        (replace(CARD, campaign=replace(CAMPAIGN, held_out=2)), "matched"),
        (replace(CARD, campaign=replace(CAMPAIGN, taken_by_provider=5)), "messages in our books"),
    ],
)
def test_a_sum_that_does_not_close_is_named(card: Card, named: str) -> None:
    with pytest.raises(CardDoesNotCloseError, match=named):
        card.check()


def test_the_card_is_printed_with_every_reason(capsys: pytest.CaptureFixture[str]) -> None:
    show(replace(CARD, cast={"ann@example.com": "is content now"}), {"make up": "the app"})
    shown = capsys.readouterr().out
    for words in (
        "Every sum closes",
        "a value has the wrong form",
        "They did not say that we may.",
        "make up",
        "ann@example.com",
        "is content now",
    ):
        assert words in shown
