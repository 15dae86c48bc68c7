"""When a campaign does harm that is no chance: pure counts, the lower end of Wilson's interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from messaging.deliverability import Counts, Tolerance, judge, shipped_tolerance
from messaging.deliverability.judging import at_least_share


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_least_share_is_the_lower_end_of_wilsons_interval(drawn: tuple[int, int]) -> None:
    some, of = drawn
    two_sided = binomtest(some, of).proportion_ci(0.90, method="wilson")
    assert at_least_share(some, of) == pytest.approx(two_sided.low, abs=1e-4)


@pytest.mark.parametrize(
    ("counts", "what"),
    [
        (Counts("email", 99, bounced=99), None),  # too few to tell
        (Counts("email", 100), None),
        (Counts("email", 1000, bounced=50), None),  # at the limit, and it may be chance
        (Counts("email", 1000, bounced=70), "bounced"),
        (Counts("email", 200, complained=1), None),  # half a per cent, of one person
        (Counts("email", 1000, complained=10), "complained"),
        (Counts("sms", 1000, bounced=70), None),  # a phone's number is tolerated more
        (Counts("sms", 200, opted_out=25), "opted_out"),
        (Counts("voice", 1000, bounced=1000), None),  # the file does not name it
    ],
)
def test_a_campaign_is_judged_by_what_is_no_chance(counts: Counts, what: str | None) -> None:
    harm = judge([counts], shipped_tolerance())
    assert (harm.what if harm else None) == what


def test_the_worst_by_how_far_it_is_over_is_told_in_a_sentence() -> None:
    tolerance = Tolerance(100, {"email": {"bounced": 0.05, "complained": 0.003}, "sms": {"opted_out": 0.05}})
    harm = judge(
        [Counts("email", 1000, bounced=200, complained=30), Counts("sms", 1000, opted_out=300)], tolerance
    )
    assert harm is not None
    assert harm.sentence == (
        "30 of 1,000 e-mails (3.0 %) were reported as spam; more than 0.3 % is not tolerated."
    )
