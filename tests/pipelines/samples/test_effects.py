"""What was planted in the sample company can be found again."""

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from pipelines.samples.buying import BuyingModel, draw_spend, draw_visits
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.disappointments import LEAVE_BECAUSE, disappoint
from pipelines.samples.orders import TOGETHER
from pipelines.samples.outreach import LIFT, WINDOW_DAYS
from pipelines.samples.world import World


def orders_in_the_fortnight(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Count the orders in the fortnight after each row of past outreach; and mark the held out."""
    outreach, orders = world.history.outreach, world.history.orders
    person = world.history.accounts.person[outreach.account]
    counts = np.zeros(len(outreach), dtype=np.int64)
    for campaign in np.unique(outreach.campaign):
        rows = np.flatnonzero(outreach.campaign == campaign)
        since = np.full(len(world.history.people), np.datetime64("NaT", "us"))
        since[person[rows]] = outreach.at[rows]
        waited = orders.at - since[orders.person]
        inside = (waited > np.timedelta64(0, "s")) & (waited <= np.timedelta64(WINDOW_DAYS, "D"))
        counts[rows] = np.bincount(orders.person[inside], minlength=len(since))[person[rows]]
    return counts, outreach.held_out


def test_the_planted_lift_is_found_within_its_confidence_interval(big_world: World) -> None:
    counts, held_out = orders_in_the_fortnight(big_world)
    sent, held = counts[~held_out], counts[held_out]
    error = np.sqrt(sent.var() / len(sent) + held.var() / len(held))
    assert sent.mean() - held.mean() == pytest.approx(LIFT, abs=2.58 * error)  # 99 %
    assert error < LIFT / 4


def test_who_is_held_out_does_not_depend_on_how_often_they_buy(big_world: World) -> None:
    history = big_world.history
    first = history.outreach.campaign == 0
    before = np.bincount(
        history.orders.person[history.orders.at < np.datetime64("2026-08-01")], minlength=len(history.people)
    )
    counts = before[history.accounts.person[history.outreach.account]]
    held, sent = (counts[first & mask] for mask in (history.outreach.held_out, ~history.outreach.held_out))
    assert abs(held.mean() - sent.mean()) < 3 * np.sqrt(held.var() / len(held) + sent.var() / len(sent))


def test_the_buying_model_gives_back_its_parameters() -> None:
    """Fit BG/NBD by the likelihood of Fader, Hardie and Lee (2005), equation 6."""
    model = BuyingModel()
    rng = np.random.default_rng(5)
    horizon = rng.uniform(20, 78, 15_000)
    visits = draw_visits(rng, horizon, model)
    bought = np.bincount(visits.buyer, minlength=len(horizon)) - 1
    last = np.zeros(len(horizon))
    np.maximum.at(last, visits.buyer, visits.week)

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        again = np.maximum(bought, 1)
        common = gammaln(r + bought) - gammaln(r) + r * np.log(alpha)
        alive = betaln(a, b + bought) - betaln(a, b) - (r + bought) * np.log(alpha + horizon)
        gone = betaln(a + 1, b + again - 1) - betaln(a, b) - (r + bought) * np.log(alpha + last)
        gone = np.where(bought > 0, gone, -np.inf)
        return float(-(common + np.logaddexp(alive, gone)).mean())

    found = np.exp(minimize(loss, np.zeros(4), method="L-BFGS-B").x)
    assert found[:2] == pytest.approx([model.r, model.alpha], rel=0.1)
    assert found[2] / (found[2] + found[3]) == pytest.approx(model.a / (model.a + model.b), rel=0.1)


def test_what_people_spend_has_the_mean_of_the_gamma_gamma_model() -> None:
    model = BuyingModel()
    buyer = np.repeat(np.arange(60_000), 2)
    spend = draw_spend(np.random.default_rng(2), 60_000, buyer, model)
    assert spend.mean() == pytest.approx(model.p * model.v / (model.q - 1), rel=0.03)


def test_products_add_up_to_what_the_model_wants_spent(big_world: World) -> None:
    model, orders = big_world.model, big_world.history.orders
    wanted = 100 * model.p * model.v / (model.q - 1)
    assert orders.total.mean() == pytest.approx(wanted, rel=0.06)


def test_the_truth_counts_what_lies_in_the_files(small_world: World, company: Path) -> None:
    effects = json.loads((company / "truth" / "effects.json").read_text())
    assert effects["rows"] == small_world.rows
    assert effects["lift"]["extra_orders"] == small_world.history.orders.lifted.sum()
    assert effects["buying_model"]["parameters"]["r"] == small_world.model.r


def test_the_truth_names_every_record_and_every_person(small_world: World, company: Path) -> None:
    identity = pq.read_table(company / "truth" / "identity.parquet")
    people = pq.read_table(company / "truth" / "people.parquet")
    assert identity.num_rows == sum(len(person) for person in small_world.owners.values())
    assert people.num_rows == 300
    assert set(identity["person_id"].to_pylist()) <= set(people["person_id"].to_pylist())
    assert pc.count_distinct(people["person_id"]).as_py() == 300


def test_a_late_parcel_and_a_late_answer_make_people_leave(big_world: World) -> None:
    history, drawn = big_world.history, big_world.history.drawn
    bad = disappoint(drawn.orders, drawn.parcels, history.cases)
    _, first = np.unique(bad.person, return_index=True)
    for cause, chance in enumerate(LEAVE_BECAUSE):
        rows = first[bad.cause[first] == cause]
        at_once = history.leaving.at[bad.person[rows]] == bad.at[rows]
        error = np.sqrt(chance * (1 - chance) / len(rows))
        assert len(rows) > 200
        assert at_once.mean() == pytest.approx(chance, abs=4 * error)


def test_nobody_who_left_buys_again_but_for_a_campaign(big_world: World) -> None:
    orders, left = big_world.history.orders, big_world.history.leaving.at
    after = orders.at > left[orders.person]
    assert orders.lifted[after].all()
    assert 0.02 < big_world.history.drawn.lost.mean() < 0.1


def test_scores_are_lower_where_the_service_was_bad(big_world: World) -> None:
    surveys, owners = big_world.tables["survey_responses"], big_world.owners["survey_responses"]
    history = big_world.history
    bad = disappoint(history.orders, history.parcels, history.cases)
    at = surveys["occurred_at"].to_numpy()
    remembers = np.sum([bad.before(owners, at, cause) for cause in (0, 1)], axis=0) > 0
    for source, kind, apart in (("delighted", "nps", 2), ("delighted", "csat", 1), ("zendesk", "csat", 0.2)):
        asked = np.asarray(pc.and_(pc.equal(surveys["source"], source), pc.equal(surveys["kind"], kind)))
        score = surveys["score"].to_numpy()
        assert score[asked & ~remembers].mean() - score[asked & remembers].mean() > apart, (source, kind)


def test_the_mood_of_every_text_of_a_customer_is_known(small_world: World, company: Path) -> None:
    moods = pq.read_table(company / "truth" / "sentiments.parquet")
    for table in ("tickets", "reviews"):
        named = moods.filter(pc.equal(moods["table_name"], table))
        assert named.num_rows == small_world.tables[table].num_rows
    assert set(moods["sentiment"].to_pylist()) == {"positive", "neutral", "negative"}


def test_things_that_go_together_are_bought_together_and_orders_are_worth_what_they_were(
    big_world: World,
) -> None:
    orders = big_world.history.orders
    first = np.flatnonzero((orders.line_ordinal == 0) & (np.r_[orders.line_ordinal[1:], 0] == 1))
    partner = read_catalogue().partners(orders.product)
    goes = orders.product[first + 1] == partner[first]
    assert goes.mean() == pytest.approx(TOGETHER, abs=0.02)  # half a hundredth of them by chance
    prices = orders.price[first][goes] / orders.price[first + 1][goes]
    assert prices.min() > 0.95
    assert prices.max() < 1.05
    assert (read_catalogue().partners(partner) == orders.product).all()
