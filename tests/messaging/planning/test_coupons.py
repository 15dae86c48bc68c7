"""Coupons: a code is one customer's, goes once, and is free again only where surely nobody saw it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from typer.testing import CliRunner

from data_contracts.errors import CampaignError, InputError, NotFoundError, RefusedError
from messaging.addresses import Addresses
from messaging.cli import app
from messaging.clock import Clock
from messaging.consent_imports import ImportedConsent, record_imports
from messaging.coupons import Draw, add, all_lists, give_back, read_codes
from messaging.planner import Planner, audience, build_planner
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import attempts, campaign_runs, messages
from messaging.store.tables_coupons import coupons
from messaging.store.tables_delivery import message_alternatives
from messaging.store.tables_record import audit

CAMPAIGN = "segment: lapsed_customers\ntemplate: gift\nchannels: [sms]\nlinks: false\ncoupon: spring\n"
TEMPLATE = "---\nclass: marketing\n---\nYour code: {{ coupon }} Reply STOP to opt out\n"
MAIL = TEMPLATE.replace("class: marketing", "class: marketing\nsubject: A gift\n")
CODE = re.compile(r"Your code: (\S+)")


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["voucher", "A1"], "has no column `code`"),
        (["code"], "holds no codes"),
        (["code", "A1", "=A1+1", "@x"], "line 3: it begins as a formula does; line 4: it begins"),
        (["name,code", "x,A1", "y,", "z,a1"], "line 4: it is the code of line 2 again"),
        (["code", "A1", "TWO WORDS"], "line 3: a code holds 1 to 60 letters"),
        (["code", '"A1'], "is no CSV"),
        (["code", *(f"-{number}" for number in range(9))], "; and 4 more"),
    ],
)
def test_a_file_with_something_wrong_is_refused_with_its_lines(
    lines: list[str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        read_codes(written(tmp_path / "codes.csv", *lines))
    assert told in str(refused.value)
    assert "A1" not in str(refused.value)


@pytest.fixture
def planner(settings: Settings, store: Store, clock: Clock) -> Iterator[Planner]:
    built = build_planner(settings, clock, store)
    folder = built.library.folder
    (folder / "campaigns" / "gift.yaml").write_text(CAMPAIGN)
    (folder / "templates" / "sms" / "gift.j2").write_text(TEMPLATE)
    (folder / "templates" / "email" / "gift.j2").write_text(MAIL)
    yield built
    built.customers.close()


@pytest.fixture
def stock(store: Store, clock: Clock) -> Callable[..., None]:
    def put(number: int, name: str = "spring", first: int = 0) -> None:
        found = [(line + 2, f"{name}-{first + line}") for line in range(number)]
        with store.write() as connection:
            add(connection, name, found, "mia", clock.now())

    return put


@pytest.fixture
def company(
    publish: Callable[..., str],
    make_person: Callable[..., Any],
    store: Store,
    addresses: Addresses,
    clock: Clock,
) -> Callable[[int], None]:
    """Publish a company of so many people, who agreed to marketing."""

    def make(number: int) -> None:
        people = [make_person(each) for each in range(number)]
        publish(customer_360=people)
        agreed = ImportedConsent(
            customer_id="", source="shop", source_record_id="", channel="sms", action="grant", purpose="marketing",
            legal_basis="consent", occurred_at=clock.now() - timedelta(days=9), method="form", wording=None,
            locale=None, address=None,
        )  # fmt: skip
        rows = [
            replace(
                agreed,
                customer_id=each["customer_id"],
                source_record_id=f"{channel}/{place}",
                channel=channel,
            )
            for place, each in enumerate(people)
            for channel in ("sms", "email")
        ]
        record_imports(store, addresses, rows, clock.now())

    return make


def codes(store: Store, run_id: str) -> dict[str, str]:
    """Give the code in the message of each customer."""
    with store.read() as connection:
        rows = connection.execute(select(messages).where(messages.c.run_id == run_id)).all()
    return {row.customer_id: CODE.findall(row.body)[0] for row in rows}


def stand(store: Store, name: str = "spring") -> tuple[int, int, int]:
    """Give how many codes are free, drawn and reserved."""
    with store.read() as connection:
        found = next(each for each in all_lists(connection) if each.name == name)
    return found.free, found.drawn, found.reserved


def test_a_list_grows_whole_or_not_at_all_and_no_code_stands_in_two(store: Store, clock: Clock) -> None:
    with store.write() as connection:
        add(connection, "spring", [(2, "A1"), (3, "A2")], "mia", clock.now())
        assert add(connection, "spring", [(2, "A3")], "mia", clock.now()).codes == 3
    for name in ("spring", "autumn"):
        with (
            pytest.raises(InputError, match="line 3: it stands in the list 'spring' already"),
            store.write() as c,
        ):
            add(c, name, [(2, "B1"), (3, "a2")], "mia", clock.now())
    assert stand(store) == (3, 0, 0)
    with store.read() as connection:
        told = connection.execute(select(audit.c.action, audit.c.subject, audit.c.detail)).all()
    assert [tuple(each) for each in told] == [
        ("coupons.import", "spring", {"codes": 2}),
        ("coupons.import", "spring", {"codes": 1}),
    ]


def test_everybody_gets_a_code_of_their_own_until_none_is_left(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    company(5)
    stock(3)
    summary = planner.plan("gift", "eva")
    assert sorted(codes(store, summary.run_id).values()) == ["spring-0", "spring-1", "spring-2"]
    assert (summary.to_send, summary.excluded) == (3, {"no_coupon": 2})
    left = [row for row in audience(store, summary.run_id) if row.reason == "no_coupon"]
    assert {row.detail for row in left} == {"No code of the coupons 'spring' was left for them."}
    assert stand(store) == (0, 3, 0)


def test_who_is_held_out_uses_no_code(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    path = planner.library.folder / "campaigns" / "gift.yaml"
    path.write_text(CAMPAIGN + "holdout: {share: 0.5}\n")
    company(12)
    stock(9)
    summary = planner.plan("gift", "eva")
    assert summary.held_out > 3
    assert stand(store) == (9 - summary.to_send, summary.to_send, 0)
    assert sorted(codes(store, summary.run_id).values()) == sorted(
        f"spring-{number}" for number in range(summary.to_send)
    )


def test_plans_at_one_moment_never_give_one_code_twice(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    campaigns = ["gift", "gift_2", "gift_3"]
    for name in campaigns[1:]:
        (planner.library.folder / "campaigns" / f"{name}.yaml").write_text(CAMPAIGN)
    company(30)
    stock(65)
    start, runs, failed = threading.Barrier(3), list[Any](), list[BaseException]()

    def run(name: str) -> None:
        start.wait()
        try:
            runs.append(planner.plan(name, "eva"))
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            failed.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in campaigns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    given = [code for each in runs for code in codes(store, each.run_id).values()]
    assert len(given) == len(set(given)) == sum(each.to_send for each in runs)
    assert sum(each.excluded.get("no_coupon", 0) for each in runs) == 90 - len(given)
    assert stand(store) == (65 - len(given), len(given), 0)


def test_a_plan_that_is_made_again_gives_everybody_the_code_that_they_had(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    company(4)
    stock(4)
    first, again = (planner.plan("gift", "eva").run_id for _ in range(2))
    assert codes(store, first) == codes(store, again)
    assert stand(store) == (0, 4, 0)
    planner.approve(again, "otto")
    planner.approve(first, "otto")
    planner.launch(first, "eva")
    planner.stop(first, "eva")
    with store.write() as connection:  # of the run that was launched first, one message went
        one = (
            connection.execute(select(messages.c.message_id).where(messages.c.run_id == first))
            .scalars()
            .first()
        )
        connection.execute(update(messages).where(messages.c.message_id == one).values(state="done"))
    with pytest.raises(RefusedError, match=f"1 of the coupons in run {again} went with another run"):
        planner.launch(again, "eva")


def test_a_code_that_went_is_not_given_to_the_same_customer_again(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    company(2)
    stock(4)
    first = planner.plan("gift", "eva").run_id
    planner.approve(first, "otto")
    planner.launch(first, "eva")
    again = planner.plan("gift", "eva").run_id
    assert not set(codes(store, first).values()) & set(codes(store, again).values())
    assert stand(store) == (0, 4, 0)


STATES = [  # of a message, and how a call ended; whether its code is free again
    ("cancelled", None, True),
    ("skipped", None, True),
    ("cancelled", "rejected", True),
    ("cancelled", "not_made", True),
    ("cancelled", "unknown", False),
    ("skipped", "accepted", False),
    ("failed", "rejected", False),
    ("unknown", "unknown", False),
    ("done", "accepted", False),
    ("queued", None, False),
]


def test_a_code_is_free_again_only_where_surely_nobody_saw_it(store: Store, clock: Clock) -> None:
    a_run(store, clock, "running", len(STATES))
    with store.write() as connection:
        for number, (state, outcome, _) in enumerate(STATES):
            this = messages.c.message_id == f"msg_{number}"
            connection.execute(update(messages).where(this).values(state=state))
            if outcome:
                call = {"attempt_id": f"att_{number}", "message_id": f"msg_{number}", "number": 1}
                connection.execute(insert(attempts), call | {"started_at": clock.now(), "outcome": outcome})
        assert give_back(connection, "spring", clock.now()) == 4
        held = set(connection.execute(select(coupons.c.customer_id)).scalars())
    assert held == {None} | {f"cus_{number}" for number, (*_, free) in enumerate(STATES) if not free}


def a_run(store: Store, clock: Clock, state: str, people: int) -> None:
    """Store a run whose messages carry all codes of a list."""
    run = {"run_id": "run_1", "campaign": "gift", "content_hash": "h", "content": {}, "release_version": "v"}
    run |= {"state": state, "planned_at": clock.now(), "planned_by": "eva"}
    row = {"run_id": "run_1", "channel": "sms", "message_class": "marketing", "body": "x", "state": "planned"}
    row |= {"created_at": clock.now(), "updated_at": clock.now()}
    with store.write() as connection:
        add(connection, "spring", [(line, f"A{line}") for line in range(people)], "mia", clock.now())
        connection.execute(insert(campaign_runs), run)
    draw = Draw(store, "spring", "run_1", "gift", clock.now())
    who = [f"cus_{number}" for number in range(people)]
    assert [draw.code_for(each) for each in who * 2] == [f"A{number}" for number in range(people)] * 2
    assert draw.code_for("cus_of_too_many") is None
    rows = [
        row | {"message_id": f"msg_{n}", "customer_id": f"cus_{n}", "address_hash": f"{n}"}
        for n in range(people)
    ]
    with store.write() as connection:
        connection.execute(insert(messages), rows)
        draw.keep(connection, set(who))


def test_the_codes_of_a_plan_that_nobody_launched_are_free_once_nobody_can(
    store: Store, clock: Clock
) -> None:
    a_run(store, clock, "approved", 1)
    with store.write() as connection:
        assert give_back(connection, "spring", clock.now() + timedelta(days=7, hours=1)) == 0
        assert give_back(connection, "spring", clock.now() + timedelta(days=8, hours=1)) == 1


def test_what_a_plan_reserved_that_died_is_free_after_its_lease(
    store: Store, clock: Clock, stock: Callable[..., None]
) -> None:
    stock(3)
    dead = Draw(store, "spring", "run_dead", "gift", clock.now())
    assert dead.code_for("cus_1") == "spring-0"
    assert Draw(store, "spring", "run_2", "gift", clock.now()).code_for("cus_2") is None
    with store.write() as connection:
        connection.execute(update(coupons).values(reserved_until=clock.now() - timedelta(days=900)))
    alive = Draw(store, "spring", "run_3", "gift", clock.now())
    assert alive.code_for("cus_3") == "spring-0"
    with (
        pytest.raises(RefusedError, match="were given back while run run_dead was planned"),
        store.write() as c,
    ):
        dead.keep(c, {"cus_1"})
    alive.release()
    assert alive.code_for("cus_4") is None
    assert stand(store) == (3, 0, 0)


def test_a_plan_that_breaks_off_holds_no_codes(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    company(3)
    stock(3)

    def stop(done: float) -> None:
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt):
        planner.plan("gift", "eva", stop)
    assert stand(store) == (3, 0, 0)


def test_the_next_channel_carries_the_same_code(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    path = planner.library.folder / "campaigns" / "gift.yaml"
    path.write_text(CAMPAIGN.replace("[sms]", "[sms, email]\nfall_back: true"))
    layout = planner.library.folder / "layouts" / "email.j2"
    assert "unsubscribe_url" in layout.read_text()
    company(1)
    stock(2)
    run_id = planner.plan("gift", "eva").run_id
    with store.read() as connection:
        other = connection.execute(select(message_alternatives.c.planned)).scalar_one()
    assert CODE.findall(other["body"]) == CODE.findall(other["html"]) == list(codes(store, run_id).values())
    assert stand(store) == (1, 1, 0)


def test_a_rehearsal_shows_an_example_and_draws_nothing(
    planner: Planner, company: Callable[[int], None], stock: Callable[..., None], store: Store
) -> None:
    company(2)
    stock(2)
    assert {CODE.findall(each.body)[0] for each in planner.rehearse("gift").messages} == {"EXAMPLE-1234"}
    assert stand(store) == (2, 0, 0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("coupon: spring\n", "", r"has no coupons, which templates/sms/gift.j2 shows"),
        (
            "template: gift",
            "template: welcome\nvalues: {help_url: 'https://a.example'}",
            "None of the templates",
        ),
        ("coupon: spring", "coupon: Spring!", "line 5: .*coupon"),
    ],
)
@pytest.mark.sqlite
def test_coupons_and_templates_that_do_not_fit_are_refused(
    old: str, new: str, told: str, planner: Planner
) -> None:
    path = planner.library.folder / "campaigns" / "gift.yaml"
    path.write_text(CAMPAIGN.replace(old, new))
    with pytest.raises(CampaignError, match=told):
        planner.library.content("gift")


@pytest.mark.sqlite
def test_a_list_that_is_not_there_is_told_with_what_to_do(
    planner: Planner, company: Callable[[int], None]
) -> None:
    company(1)
    with pytest.raises(
        NotFoundError, match=r"no list of coupons 'spring'. Import it: `rapport coupons import"
    ):
        planner.plan("gift", "eva")


@pytest.mark.sqlite
def test_the_commands_take_codes_in_and_count_them_and_show_none(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    path = written(tmp_path / "codes.csv", "Code", "SECRET1", "SECRET2")
    home = {"RAPPORT_HOME": str(settings.home)}
    made = CliRunner().invoke(app, ["coupons", "import", "spring", str(path), "--actor", "mia"], env=home)
    assert made.stdout == "2 codes came to spring: 2 of 2 are free.\n"
    listed = CliRunner().invoke(app, ["coupons", "list", "--json"], env=home)
    (found,) = json.loads(listed.stdout)["lists"]
    assert (found["name"], found["codes"], found["free"]) == ("spring", 2, 2)
    told = CliRunner().invoke(app, ["coupons", "list"], env=home).stdout
    assert told == "spring  2 of 2 codes are free\n"
    assert "SECRET" not in made.stdout + listed.stdout + told
    assert stand(store) == (2, 0, 0)
