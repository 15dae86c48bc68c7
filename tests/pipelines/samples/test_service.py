"""What people ask of the service desk, and what becomes of it."""

import numpy as np
import pyarrow.compute as pc

from pipelines.samples.service import BEHIND_SINCE, PROMISE
from pipelines.samples.times import END
from pipelines.samples.world import World


def test_a_case_is_answered_after_it_was_opened_and_solved_after_it_was_answered(world: World) -> None:
    cases = world.history.cases
    assert (cases.answered_at > cases.at).all()
    assert (cases.solved_at > cases.answered_at).all()


def test_about_one_case_in_six_waits_longer_than_promised_and_more_of_late(big_world: World) -> None:
    cases = big_world.history.cases
    slow = cases.answered_at - cases.at > PROMISE
    behind = cases.at >= BEHIND_SINCE
    assert 0.14 < slow[~behind].mean() < 0.2
    assert slow[behind].mean() > 0.4


def test_some_customers_wait_for_an_answer_when_the_world_ends(world: World) -> None:
    tickets = world.tables["tickets"]
    waits = np.asarray(pc.is_null(tickets["first_response_at"]))
    assert waits.sum() >= 3
    assert set(tickets.filter(waits)["status"].to_pylist()) <= {"new", "open"}


def test_a_ticket_says_what_its_comments_say(world: World) -> None:
    tickets, comments = world.tables["tickets"], world.tables["chat_messages"]
    comments = comments.filter(pc.equal(comments["source"], "zendesk"))
    first: dict[str, str] = {}
    answered: dict[str, object] = {}
    for row in comments.to_pylist():
        first.setdefault(row["conversation_id"], row["body"])
        if row["author_kind"] == "agent" and not row["is_private"]:
            answered.setdefault(row["conversation_id"], row["occurred_at"])
    for ticket in tickets.to_pylist():
        assert ticket["description"] == first[ticket["ticket_id"]]
        assert ticket["first_response_at"] == answered.get(ticket["ticket_id"])


def test_a_broken_promise_is_marked_on_the_ticket(world: World) -> None:
    for ticket in world.tables["tickets"].to_pylist():
        until = ticket["first_response_at"] or END.item()
        assert ticket["sla_breached"] == (until > ticket["due_at"])


def test_a_case_is_about_an_order_of_its_customer(world: World) -> None:
    cases, orders = world.history.cases, world.history.orders
    about = cases.order >= 0
    assert (orders.person[cases.order[about]] == cases.person[about]).all()
    assert (orders.at[cases.order[about]] < cases.at[about]).all()
