"""The sample company, whose buying model is known."""

from benchmarks.lifetime import ranks_people
from pipelines.samples.world import make_world


def test_the_sample_companys_buyers_are_put_in_order_nearly_as_well_as_by_what_was_planted() -> None:
    found, spent, planted = ranks_people(make_world(2000, 7))
    assert found > spent + 0.05
    assert found > planted - 0.05
