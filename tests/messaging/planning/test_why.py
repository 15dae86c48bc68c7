"""Why records are one customer, or two: the words that an agent says, and the evidence behind them."""

import json
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from data_contracts.errors import NotFoundError, RefusedError
from messaging.customers import Customers
from messaging.customers.why import bars
from messaging.customers.why.paths import shortest
from messaging.customers.why.waterfall import read_waterfall

Publish = Callable[..., str]
MakePerson = Callable[..., dict[str, Any]]
Rows = list[dict[str, Any]]

MAY, JUNE = datetime.fromisoformat("2026-05-03T10:00"), datetime.fromisoformat("2026-06-09T10:00")
ANNA, PHONE = "anna@example.com", "+447700900123"
LIKENESS = {
    "probability": 0.987,
    "prior_weight": -13.2,
    "comparisons": [
        {
            "name": "birth_date",
            "label": "Exact match",
            "weight": 10.5,
            "left": "1990-01-02",
            "right": "1990-01-02",
        },
        {
            "name": "given_name",
            "label": "Jaro-Winkler > 0.92",
            "weight": 9.4,
            "left": "anna",
            "right": "annah",
        },
        {
            "name": "postcode",
            "label": "All other comparisons",
            "weight": -0.5,
            "left": "N1 1AA",
            "right": "E2 9XX",
        },
    ],
}


def edge(customer: str, left: tuple[str, str], right: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "identifier_type": left[0],
        "match_key": left[1],
        "other_type": right[0],
        "other_key": right[1],
        **more,
    }


def held(customer: str, kind: str, value: str) -> dict[str, Any]:
    return {"customer_id": customer, "identifier_type": kind, "value": value}


@pytest.fixture
def two(make_person: MakePerson) -> tuple[dict[str, Any], dict[str, Any]]:
    anna = make_person(1, given_name="Anna", family_name="Lee", display_name="Anna Lee")
    bob = make_person(2, given_name="Bob", family_name="Lee", display_name="Bob Lee")
    return anna, bob


@pytest.fixture
def release(two: Any) -> dict[str, Rows]:
    """Give Anna, who is known by an account, an address, a phone and a look-alike form; and Bob beside her."""
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    return {
        "customer_360": list(two),
        "order_lines": [
            {"source": "shopify", "source_record_id": "line/1", "customer_id": anna, "order_id": "#1017"}
        ],
        "orders": [{"customer_id": anna, "order_id": "#1017"}, {"customer_id": None, "order_id": "#2000"}],
        "customer_identifiers": [
            held(anna, "external_id", "shopify:1042"),
            held(anna, "email", ANNA),
            held(anna, "phone", PHONE),
            held(bob, "external_id", "shopify:2077"),
            held(bob, "email", "bob@example.com"),
        ],
        "identity_map": [
            {"source": "shopify", "source_record_id": "line/1", "customer_id": anna,
             "identifier_type": "external_id", "match_key": "shopify:1042"},
            {"source": "web", "source_record_id": "form/7", "customer_id": anna, "match_key": "web/form/7"},
        ],
        "identity_evidence": [
            edge(anna, ("external_id", "shopify:1042"), ("email", ANNA), first_seen_at=MAY, last_seen_at=MAY),
            edge(anna, ("external_id", "shopify:1042"), ("order", "shopify:#1017"), first_seen_at=MAY),
            edge(anna, ("email", ANNA), ("phone", PHONE), source="chat", source_record_id="message/9", records=4,
                 origin_table="chat_messages", first_seen_at=MAY, last_seen_at=JUNE),
            edge(anna, ("email", ANNA), ("record", "web/form/7"), kind="probabilistic", source="crm",
                 source_record_id="contact/3", other_source="web", other_record_id="form/7", weight=6.2,
                 detail=json.dumps(LIKENESS)),
        ],
    }  # fmt: skip


def test_one_order_that_carries_both_is_named(customers: Customers, publish: Publish, release: Any) -> None:
    publish(**release)
    answer = customers.why("shopify:1042", ANNA)
    assert answer.same
    assert answer.distance == 1
    assert answer.sentences[1:] == (
        (
            "The shopify account 1042 and anna@example.com are the same person because "
            "order #1017 of 3 May 2026 carries both."
        ),
    )
    assert answer.steps[0].evidence[0].source_record_id == "line/1"


def test_the_shortest_way_is_told_step_by_step_and_says_how_often_and_when(
    customers: Customers, publish: Publish, release: Any
) -> None:
    publish(**release)
    answer = customers.why("#1017", "07700 900123")
    assert answer.distance == 3
    assert [step.sentence for step in answer.steps] == [
        "Order #1017 of 3 May 2026 carries the shopify account 1042.",
        (
            "The shopify account 1042 and anna@example.com are the same person because "
            "order #1017 of 3 May 2026 carries both."
        ),
        (
            "anna@example.com and +44 7700 900123 were given together in 4 chat messages (chat), "
            "from 3 May 2026 to 9 June 2026."
        ),
    ]


def test_what_several_sources_say_of_one_pair_is_one_step(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    pair = (two[0]["customer_id"], ("email", ANNA), ("phone", PHONE))
    release["identity_evidence"].append(
        edge(*pair, source="crm", origin_table="contacts", records=1, first_seen_at=MAY, last_seen_at=MAY)
    )
    publish(**release)
    answer = customers.why(ANNA, PHONE)
    assert "in 4 chat messages (chat) and 1 contact record (crm), from" in answer.steps[0].sentence
    assert [each.source for each in answer.steps[0].evidence] == ["chat", "crm"]


def test_a_likeness_shows_its_weights_and_a_certain_way_round_it_is_taken_first(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    publish(**release)
    step = customers.why(ANNA, "web/form/7").steps[0]
    assert step.waterfall is not None
    assert step.waterfall.probability == 0.987
    assert "98.7 %, because they agree in birth date and given name (jaro-winkler > 0.92)." in step.sentence
    anna = two[0]["customer_id"]
    release["identity_evidence"].append(
        edge(anna, ("phone", PHONE), ("record", "web/form/7"), source="web", origin_table="form_submissions")
    )
    publish(**release)
    round_it = customers.why(ANNA, "web/form/7")
    assert round_it.distance == 2
    assert all(step.waterfall is None for step in round_it.steps)


def test_a_waterfall_in_text_goes_from_any_two_records_to_the_probability() -> None:
    waterfall = read_waterfall(LIKENESS, 6.2)
    assert waterfall is not None
    lines = bars(waterfall)
    assert [line.split("  ")[0].strip() for line in lines] == [
        "any two records", "birth date: Exact match", "given name: Jaro-Winkler > 0.92",
        "postcode: All other comparisons", "together",
    ]  # fmt: skip
    assert lines[-1].endswith("98.7 %")
    assert len({line.index("│") for line in lines if "│" in line}) == 1, "all bars share one middle"
    longest = max(lines, key=lambda line: line.count("█"))
    assert longest.startswith("any two records"), "a longer bar is a larger weight"


def test_a_persons_decision_names_who_decided_and_why(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna = two[0]["customer_id"]
    detail = {"decision_id": "dec_1", "author": "mia", "reason": "She rang and said so."}
    release["identity_evidence"].append(
        edge(anna, ("email", ANNA), ("email", "al@old.example"), kind="human", source="crm",
             source_record_id="contact/3", other_source="crm", other_record_id="contact/4", last_seen_at=JUNE,
             detail=json.dumps(detail))
    )  # fmt: skip
    release["customer_identifiers"].append(held(anna, "email", "al@old.example"))
    publish(**release)
    assert customers.why(ANNA, "al@old.example").steps[0].sentence == (
        "mia decided that record crm/contact/3 (anna@example.com) and record crm/contact/4 (al@old.example) are one "
        "person: She rang and said so."
    )


def test_a_phone_that_would_join_two_accounts_is_said_to_count_for_one(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    detail = {"type": "external_id", "source": "shopify", "allowed": 1, "would_be": 2}
    release["identity_refused"] = [
        edge(bob, ("external_id", "shopify:2077"), ("phone", PHONE), other_customer_id=anna, rule="limit",
             detail=json.dumps(detail))
    ]  # fmt: skip
    publish(**release)
    answer = customers.why(ANNA, "bob@example.com")
    assert not answer.same
    assert answer.sentences[1:] == (
        (
            "They share +44 7700 900123, but joining them would give one person 2 accounts of shopify (1042 and 2077), "
            "and one person has only one; so it counts for 1042 alone."
        ),
    )
    assert customers.why("bob@example.com", ANNA).refused == answer.refused


@pytest.mark.parametrize(
    ("rule", "detail", "said"),
    [
        (
            "conflict",
            {"attribute": "birth_date", "one": ["1990-01-02"], "other": ["1962-07-30"]},
            "They share +44 7700 900123, but their birth dates differ (1990-01-02; 1962-07-30).",
        ),
        (
            "decided",
            {"decision_id": "dec_1", "author": "mia", "reason": "Mother and son"},
            "mia decided that they are two people: Mother and son.",
        ),
        ("not_linking", {}, "They share +44 7700 900123, but a phone number ties nobody."),
    ],
)
def test_each_rule_that_keeps_two_apart_is_said_in_words(
    customers: Customers, publish: Publish, release: Any, two: Any, rule: str, detail: Any, said: str
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    row = edge(
        anna, ("email", ANNA), ("phone", PHONE), other_customer_id=bob, rule=rule, detail=json.dumps(detail)
    )
    publish(**release, identity_refused=[row])
    assert customers.why(anna, bob).sentences[1:] == (said,)


def test_a_refusal_that_is_kept_from_both_sides_is_told_once_the_first_who_was_asked_about_first(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    detail = {"attribute": "given_name", "one": ["anna"], "other": ["bob"]}
    turned = detail | {"one": ["bob"], "other": ["anna"]}
    phone = ("phone", PHONE)
    rows = [
        edge(anna, phone, phone, other_customer_id=bob, rule="conflict", detail=json.dumps(detail)),
        edge(bob, phone, phone, other_customer_id=anna, rule="conflict", detail=json.dumps(turned)),
    ]
    publish(**release, identity_refused=rows)
    said = "They share +44 7700 900123, but their given names differ ({})."
    assert customers.why(anna, bob).sentences[1:] == (said.format("anna; bob"),)
    assert customers.why(bob, anna).sentences[1:] == (said.format("bob; anna"),)


def test_a_likeness_that_a_limit_refused_is_nobodys_key(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    detail = {"type": "external_id", "source": "shopify", "allowed": 1, "would_be": 2}
    row = edge(anna, ("external_id", "shopify:1042"), ("email", "b@x.example"), kind="probabilistic", weight=7.0,
               other_customer_id=bob, rule="limit", detail=json.dumps(detail))  # fmt: skip
    publish(**release, identity_refused=[row])
    assert customers.why(anna, bob).sentences[1] == (
        "Their records look alike, but joining them would give one person 2 accounts of shopify (1042 and 2077), "
        "and one person has only one."
    )


def test_a_value_that_both_carry_and_that_proves_nothing_is_named(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    blocked = [
        edge(who["customer_id"], ("email", f"{who['given_name']}@example.com"), ("phone", "+442079460999"),
             rule="blocked", detail=json.dumps({"reason": "shared", "beside": 31}))
        for who in two
    ]  # fmt: skip
    publish(**release, identity_refused=blocked)
    assert customers.why(two[0]["customer_id"], two[1]["customer_id"]).sentences[1:] == (
        "+44 20 7946 0999 ties nobody: too many different people share it (it stands beside 31 others).",
    )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("contested", "ties nobody by itself: people with different names use it."),
        ("not_personal", "ties nobody: it is a company's or a service's number."),
        ("crowded", "ties nobody: too many different people share it."),
        ("our switchboard", "ties nobody: it is listed as our switchboard."),
    ],
)
def test_each_reason_why_a_value_proves_nothing_is_said_in_words(
    customers: Customers, publish: Publish, release: Any, two: Any, reason: str, said: str
) -> None:
    anna = two[0]["customer_id"]
    row = edge(anna, ("email", ANNA), ("phone", PHONE), rule="blocked", detail=json.dumps({"reason": reason}))
    publish(**release, identity_refused=[row])
    assert [each.sentence for each in customers.why(anna).refused] == [f"+44 7700 900123 {said}"]


def test_a_close_call_is_told_and_where_nothing_ties_two_it_says_so(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    publish(**release)
    assert customers.why(ANNA, "bob@example.com").sentences[1:] == ("Nothing ties them.",)
    review = {
        "review_id": "rev_1", "customer_id": two[1]["customer_id"], "other_customer_id": two[0]["customer_id"],
        "source": "crm", "source_record_id": "contact/5", "other_source": "web", "other_record_id": "form/7",
        "weight": 1.1, "probability": 0.68, "detail": json.dumps(LIKENESS | {"probability": 0.68}),
    }  # fmt: skip
    weaker = review | {"review_id": "rev_0", "source_record_id": "contact/6", "weight": 0.9}
    publish(**release, identity_review=[weaker, review])
    answer = customers.why(ANNA, "bob@example.com")
    assert answer.sentences[1] == (
        "Record crm/contact/5 and record web/form/7 look alike (68.0 %), but somebody should look before they are "
        "joined: it is under review."
    )
    assert answer.review[0].waterfall.comparisons[0].name == "birth_date"
    assert [each.review_id for each in customers.why(ANNA).review] == ["rev_1"]
    assert (
        customers.why(ANNA)
        .review[0]
        .sentence.startswith(
            f"Bob Lee ({two[1]['customer_id']}) is another customer: record crm/contact/5 and record web/form/7 look alike"
        )
    )


def test_one_side_gives_the_whole_story_of_a_customer(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    publish(
        **release,
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": anna}],
        identity_journal=[
            {"at": MAY, "kind": "born", "customer_id": anna},
            {
                "at": JUNE,
                "kind": "merged",
                "customer_id": anna,
                "other_customer_id": "cus_old",
                "cause": "decision",
            },
        ],
        identity_refused=[
            edge(anna, ("email", ANNA), ("phone", "+442079460001"), other_customer_id=bob, rule="not_linking")
        ],
    )
    answer = customers.why("cus_old")
    assert answer.one.customer_id == anna
    assert answer.sources == (("shopify", 1), ("web", 1))
    told = [step.evidence[0].right.identifier_type for step in answer.steps]
    assert told == ["record", "phone", "email", "order"], "guesses come first, and orders last"
    assert answer.sentences[0] == f"2 records are Anna Lee ({anna}): 1 from shopify and 1 from web."
    assert answer.sentences[1] == "4 ties hold them together: 3 by identifiers and 1 by likeness."
    assert answer.refused[0].sentence == (
        f"Bob Lee ({bob}) is another customer: they share +44 20 7946 0001, but a phone number ties nobody."
    )
    assert answer.aliases == ("cus_old",)
    assert answer.sentences[-3:] == (
        "Earlier ids: cus_old.",
        f"On 3 May 2026 {anna} was new, with 2 records, by new evidence.",
        f"On 9 June 2026 cus_old became part of {anna}, by somebody's decision.",
    )
    assert json.loads(json.dumps(answer.to_document(), default=str))["one"]["name"] == "Anna Lee"


def test_an_earlier_id_and_todays_are_one_customer_by_the_journal(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna = two[0]["customer_id"]
    merged = {"at": JUNE, "kind": "merged", "customer_id": anna, "other_customer_id": "cus_old"}
    publish(
        **release,
        identity_alias=[{"old_customer_id": "cus_old", "customer_id": anna}],
        identity_journal=[merged],
    )
    answer = customers.why("cus_old", anna)
    assert answer.same
    assert f"On 9 June 2026 cus_old became part of {anna}, by new evidence." in answer.sentences


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("nobody@example.com", NotFoundError, "Nobody is known by what the second side names."),
        ("cus_nobody", NotFoundError, "Nobody is known by"),
        ("web/form/8", NotFoundError, "Nobody is known by"),
        ("2000", NotFoundError, "a guest's order"),
        ("Lee", RefusedError, "fits 2 customers: cus_"),
    ],
)
def test_a_side_that_names_nobody_or_several_is_one_sentence_without_what_was_typed(
    customers: Customers, publish: Publish, release: Any, asked: str, error: Any, said: str
) -> None:
    publish(**release)
    with pytest.raises(error, match=said) as caught:
        customers.why(ANNA, asked)
    assert asked == "Lee" or asked not in str(caught.value)


def test_a_whole_name_means_those_who_bear_it_and_nobody_who_is_called_alike(
    customers: Customers, publish: Publish, release: Any, make_person: MakePerson
) -> None:
    release["customer_360"].append(
        make_person(3, given_name="Anne", family_name="Lee", display_name="Anne Lee")
    )
    publish(**release)
    assert customers.why("anna lee").one.name == "Anna Lee"
    assert customers.why("Lee Anna").one.name == "Anna Lee"
    with pytest.raises(RefusedError, match="fits 3 customers"):
        customers.why("Lee")


def test_an_order_that_ties_nothing_stands_where_its_own_records_do(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna = two[0]["customer_id"]
    guests = {"source": "shopify", "source_record_id": "line/8", "customer_id": anna}
    release["orders"].append({"customer_id": anna, "order_id": "#1018"})
    release["order_lines"].append(guests | {"order_id": "#1018"})
    release["identity_map"].append(guests | {"identifier_type": "record", "match_key": "shopify/line/8"})
    detail = {"decision_id": "dec_1", "author": "mia", "reason": "She told the number."}
    release["identity_evidence"].append(
        edge(anna, ("email", ANNA), ("record", "shopify/line/8"), kind="human", source="crm",
             source_record_id="contact/3", other_source="shopify", other_record_id="line/8",
             detail=json.dumps(detail))
    )  # fmt: skip
    publish(**release)
    assert [step.sentence for step in customers.why("1018", ANNA).steps] == [
        (
            "mia decided that record crm/contact/3 (anna@example.com) and record shopify/line/8 are one person: "
            "She told the number."
        )
    ]


@pytest.mark.parametrize(
    ("kind", "written", "key"),
    [
        ("email", "ann.a@googlemail.com", "anna@gmail.com"),
        ("email", "ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("phone", PHONE, f"{PHONE};ext=12"),
    ],
)
def test_an_identifier_whose_key_is_written_otherwise_is_found_and_a_mere_likeness_is_not(
    customers: Customers, publish: Publish, release: Any, two: Any, kind: str, written: str, key: str
) -> None:
    anna = two[0]["customer_id"]
    release["customer_identifiers"] = [held(anna, kind, written)]
    release["identity_evidence"] = [
        edge(anna, ("external_id", "shopify:1042"), (kind, near)) for near in (f"x{key}", key)
    ]
    publish(**release)
    node = customers.why(written).one.node
    assert node is not None
    assert node.match_key == key


def test_two_who_were_one_once_are_told_so(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna, bob = two[0]["customer_id"], two[1]["customer_id"]
    cut = {"at": JUNE, "kind": "split", "customer_id": bob, "other_customer_id": anna, "cause": "decision"}
    other = cut | {"customer_id": "cus_third"}
    publish(**release, identity_journal=[cut, other])
    assert customers.why(anna, bob).sentences[1:] == (
        "Nothing ties them.",
        f"On 9 June 2026 {bob} was cut from {anna}, by somebody's decision.",
    )


def test_a_phone_that_two_customers_hold_has_to_be_told_apart(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    release["customer_identifiers"].append(held(two[1]["customer_id"], "phone", PHONE))
    publish(**release)
    with pytest.raises(RefusedError, match="fits 2 customers") as caught:
        customers.why(PHONE)
    assert all(who["customer_id"] in str(caught.value) for who in two)


def test_a_release_of_before_evidence_says_so_and_answers_what_it_can(
    customers: Customers, publish: Publish, release: Any
) -> None:
    absent = ["identity_evidence", "identity_refused", "identity_review", "identity_journal"]
    for name in absent:
        release.pop(name, None)
    publish(without=absent, **release)
    for answer in (customers.why(ANNA), customers.why(ANNA, PHONE), customers.why(ANNA, "bob@example.com")):
        assert answer.sentences[-1].startswith("This release was published before Rapport kept")
        assert answer.sentences[-1].endswith("run `rapport build`.")
        assert answer.missing
    assert customers.why(ANNA, PHONE).same
    assert not customers.why(ANNA, "bob@example.com").same


def test_a_long_way_is_told_by_its_ends(
    customers: Customers, publish: Publish, release: Any, two: Any
) -> None:
    anna = two[0]["customer_id"]
    chain = [
        edge(anna, ("email", f"a{i}@example.com"), ("email", f"a{i + 1}@example.com")) for i in range(60)
    ]
    release["identity_evidence"] += chain
    release["customer_identifiers"] += [held(anna, "email", f"a{i}@example.com") for i in (0, 60)]
    publish(**release)
    answer = customers.why("a0@example.com", "a60@example.com")
    assert (answer.distance, len(answer.steps)) == (60, 12)
    assert "a0@example.com and a1@example.com" in answer.steps[0].sentence
    assert "a59@example.com and a60@example.com" in answer.steps[-1].sentence
    assert answer.sentences[1].startswith("The way between them takes 60 steps")


@given(some.lists(some.tuples(some.integers(0, 14), some.integers(0, 14)), max_size=40), some.randoms())
def test_no_way_is_shorter_than_the_one_found_and_the_order_of_edges_does_not_matter(
    pairs: list[tuple[int, int]], dice: random.Random
) -> None:
    neighbours: dict[int, set[int]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    away, waiting = {0: 0}, deque([0])
    while waiting:
        node = waiting.popleft()
        for each in neighbours.get(node, set()) - away.keys():
            away[each] = away[node] + 1
            waiting.append(each)
    mixed = dice.sample(pairs, len(pairs))
    for goal in range(15):
        way, again = (shortest(*_ends(edges), 0, goal) for edges in (pairs, mixed))
        assert way == again
        assert (way is None) == (goal not in away)
        if way is not None:
            assert len(way) - 1 == away[goal]
            assert all(two in neighbours[one] for one, two in pairwise(way))


def test_a_way_longer_than_anybody_reads_is_not_searched_for() -> None:
    chain = [(i, i + 1) for i in range(100)]
    assert shortest(*_ends(chain), 0, 100, most=99) is None
    assert len(shortest(*_ends(chain), 0, 100, most=100) or ()) == 101


def _ends(pairs: list[tuple[int, int]]) -> tuple[Any, Any]:
    return tuple(np.array([pair[side] for pair in pairs], dtype=np.uint64) for side in (0, 1))
