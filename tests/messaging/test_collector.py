"""The collector of garbage looks seldom while a plan is made, and as before once the last plan is done."""

import gc

import pytest

from messaging.collector import SELDOM, seldom_collected


def test_it_looks_seldom_within_and_as_before_after_the_last_who_wanted_it() -> None:
    before = gc.get_threshold()
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == SELDOM != before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_it_looks_as_before_where_a_plan_breaks_off() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), seldom_collected():
        raise ValueError("broken")
    assert gc.get_threshold() == before
