"""A few people are written by hand, so that every case of the company can be shown."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipelines.samples.cast import LAPSED, ROLES
from pipelines.samples.times import END
from pipelines.samples.world import World, make_world


def of(world: World, role: str, table: str) -> list[dict[str, Any]]:
    """Give the rows of a table that are of whoever plays a role."""
    rows = world.owners[table] == world.cast[role]
    return sorted(world.tables[table].filter(rows).to_pylist(), key=lambda row: row["occurred_at"])


def test_every_role_is_played_by_another_person(world: World) -> None:
    assert list(world.cast) == list(ROLES)
    assert len(set(world.cast.values())) == len(ROLES)


def test_somebody_complains_and_is_not_content_with_the_answer(world: World) -> None:
    (ticket,) = of(world, "open_complaint", "tickets")
    assert (ticket["status"], ticket["kind"]) == ("open", "problem")
    last = of(world, "open_complaint", "chat_messages")[-1]
    assert (last["author_kind"], last["conversation_id"]) == ("customer", ticket["ticket_id"])


def test_one_would_not_recommend_us_another_does_and_a_third_changed_their_mind(world: World) -> None:
    scores = {
        role: [row["score"] for row in of(world, role, "survey_responses")]
        for role in ("detractor", "advocate", "recovered")
    }
    assert scores == {"detractor": [2], "advocate": [10], "recovered": [3, 9]}


def test_somebody_texted_this_morning_and_nobody_has_answered(world: World) -> None:
    last = of(world, "waits_for_an_answer", "sms_messages")[-1]
    assert last["direction"] == "inbound"
    assert END - np.datetime64(last["occurred_at"]) < np.timedelta64(12, "h")


def test_somebody_moves_from_text_to_mail_within_an_hour(world: World) -> None:
    text = of(world, "changed_channel", "sms_messages")[-1]
    mails = of(world, "changed_channel", "email_messages")
    mail = next(row for row in mails if row["occurred_at"] > text["occurred_at"])
    assert mail["direction"] == "inbound"
    assert (mail["occurred_at"] - text["occurred_at"]).total_seconds() < 3600


def test_somebody_rings_in_vain_and_is_called_back_in_vain(world: World) -> None:
    calls = of(world, "missed_calls", "calls")[-3:]
    assert [call["direction"] for call in calls] == ["inbound", "outbound", "inbound"]
    assert {call["status"] for call in calls} == {"no_answer"}


def test_a_verified_review_has_its_product_and_its_answer(world: World) -> None:
    (review,) = of(world, "verified_reviewer", "reviews")
    assert review["is_verified"]
    assert review["product_id"]
    assert review["replied_at"] > review["occurred_at"]


def test_somebody_objects_to_profiling_and_to_nothing_else(world: World) -> None:
    objections = [
        row for row in of(world, "objects_to_profiling", "consents") if row["purpose"] == "profiling"
    ]
    assert [row["action"] for row in objections] == ["revoke"]


def test_the_lapsed_vip_spent_more_than_nearly_anybody_and_is_gone(world: World) -> None:
    orders, person = world.history.orders, world.cast["lapsed_vip"]
    spent = np.bincount(orders.person, weights=orders.total, minlength=2_000)
    assert (spent > spent[person]).mean() < 0.1
    assert orders.at[orders.person == person].max() < END - LAPSED


def test_the_truth_tells_who_plays_what(small_world: World, company: Path) -> None:
    cast = json.loads((company / "truth" / "cast.json").read_text())
    assert list(cast) == list(small_world.cast)
    emails = small_world.history.people.emails
    for role, played in cast.items():
        assert played["email"] == emails[small_world.cast[role]].as_py()


def test_what_the_hand_wrote_is_nobody_elses_record(world: World) -> None:
    written = pc.match_substring(world.tables["sms_messages"]["message_id"], "SMca570000")
    persons = world.owners["sms_messages"][np.asarray(written)]
    assert set(persons) == {world.cast["waits_for_an_answer"], world.cast["changed_channel"]}


def test_a_vip_who_only_ever_bought_in_the_store_plays_no_part_that_needs_an_order() -> None:
    assert "lapsed_vip" in make_world(1500, 20).cast  # seed 20's biggest spender has no order of the web shop
