"""Conversations follow from what was bought, and are spoken in turn."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.times import END
from pipelines.samples.world import World


def order_number(world: World, names: pa.Array) -> np.ndarray:
    return pc.index_in(names, world.history.orders.name).to_numpy(zero_copy_only=False).astype(np.int64)


def test_a_complaint_comes_after_its_parcel_was_due_and_from_its_buyer(world: World) -> None:
    chats, history = world.tables["chat_messages"], world.history
    complaints = np.asarray(pc.equal(chats["topic"], "late_parcel"))
    about = order_number(world, chats["order_id"].combine_chunks().filter(pa.array(complaints)))
    due = np.full(len(history.orders), END)
    due[history.parcels.order] = history.parcels.promised_at
    late = np.zeros(len(history.orders), dtype=np.bool_)
    late[history.parcels.order] = history.parcels.late
    said = chats["occurred_at"].to_numpy()[complaints]
    assert len(about) > 100
    assert (said > due[about]).all()
    assert late[about].all()
    assert (world.owners["chat_messages"][complaints] == history.orders.person[about]).all()


def test_a_refund_is_asked_for_between_the_order_and_the_refund(world: World) -> None:
    mails, orders = world.tables["email_messages"], world.history.orders
    opening = mails.filter(
        pc.and_(pc.is_null(mails["in_reply_to"]), pc.match_substring(mails["subject"], "#"))
    )
    numbers = pc.list_flatten(pc.split_pattern(opening["subject"], " "))
    named = numbers.filter(pc.match_substring_regex(numbers, "^#[0-9]+$")).combine_chunks()
    about = order_number(world, named)
    asked = opening["occurred_at"].to_numpy()
    assert len(about) == len(asked) > 80
    assert (asked > orders.at[about]).all()
    assert (asked <= orders.ended_at[about]).all()
    assert (orders.refund[about] > 0).all()


def test_turns_of_a_conversation_stand_in_the_order_of_time(world: World) -> None:
    chats = world.tables["chat_messages"]
    number = chats["conversation_id"].cast(pa.int64()).to_numpy()
    at = chats["occurred_at"].to_numpy()
    same = number[1:] == number[:-1]
    assert (at[1:][same] >= at[:-1][same]).all()


def test_no_blank_of_a_script_is_left_open(world: World) -> None:
    for table, column in (
        ("chat_messages", "body"),
        ("email_messages", "body_text"),
        ("sms_messages", "body"),
    ):
        body = world.tables[table][column]
        assert body.null_count == 0
        assert not pc.any(pc.match_substring_regex(body, r"[{}]")).as_py()


def test_a_stop_follows_a_campaign_and_ends_the_next_ones(big_world: World) -> None:
    history, texts = big_world.history, big_world.tables["sms_messages"]
    outreach = history.outreach
    stopped = outreach.by_sms & ~np.isnat(outreach.left_at)
    inbound = np.asarray(pc.equal(texts["direction"], "inbound"))
    words = pc.utf8_upper(pc.utf8_trim_whitespace(texts["body"]))
    stops = inbound & np.asarray(pc.is_in(words, pa.array(["STOP", "UNSUBSCRIBE", "END"])))
    assert 0 < stops.sum() <= stopped.sum()
    for account, left in zip(outreach.account[stopped], outreach.left_at[stopped], strict=True):
        later = (outreach.account == account) & outreach.by_sms & (outreach.at > left)
        assert not later.any()


def test_some_say_stop_in_a_sentence_and_mean_something_else(big_world: World) -> None:
    body = pc.utf8_lower(big_world.tables["sms_messages"]["body"])
    assert pc.any(pc.match_substring(body, "don't stop my order")).as_py()


def test_a_campaign_writes_only_to_people_who_agreed_before(world: World) -> None:
    outreach, allowed = world.history.outreach, world.history.permissions
    given = np.where(
        outreach.by_sms, allowed.sms_from[outreach.account], allowed.email_from[outreach.account]
    )
    assert (given < outreach.at).all()


def test_nobody_is_written_to_at_night_by_the_earlier_tool(world: World) -> None:
    people, outreach = world.history.people, world.history.outreach
    sydney = people.place[world.history.accounts.person[outreach.account]] == 45
    hours = outreach.at.astype("M8[h]").astype(int) % 24
    assert set(hours[sydney]) <= {0}
