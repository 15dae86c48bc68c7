"""Words that mean harm, from every channel, on every page and in every part of it: all of them stay text."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from messaging.access import Person, sight
from messaging.campaigns import Library
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.desk.segments import exported
from messaging.desk.writing import Desk
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import messages
from tests.dashboard import hostile
from tests.dashboard.hostile import CUSTOMER, HOSTILE, SHORT, TWIN, alive

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture(scope="module")
def harmed(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the company with the hostile customer in it."""
    return hostile.harm(company, tmp_path_factory.mktemp("harmed") / "home")


@pytest.fixture
def visit(harmed: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Give the way to a page of theirs."""
    monkeypatch.setenv("RAPPORT_HOME", str(harmed))

    def opened(page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page(f"pages/{page}.py").run()

    return opened


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def judged(app: AppTest, fewest: int) -> None:
    """Hold that nothing is alive, that nothing failed, and that hostile words were there to be judged."""
    found, seen = alive(app)
    assert found == []
    assert not app.exception
    assert "could not be drawn" not in html_of(app)
    assert seen >= fewest


@pytest.mark.parametrize(
    ("page", "query", "fewest"),
    [
        ("overview", {}, 1),
        ("customers", {"customer": CUSTOMER}, 25),
        ("customers", {"customer": HOSTILE}, 1),
        ("segments", {}, 4),
        ("segments", {"segment": "harm"}, 10),
        ("segments", {"segment": HOSTILE}, 1),
        ("templates", {"template": "win_back"}, 2),
        ("templates", {"template": HOSTILE}, 0),
        ("campaigns", {}, 1),
        ("campaigns", {"campaign": HOSTILE}, 1),
        ("campaigns", {"campaign": "win_back", "run": HOSTILE}, 4),
        ("campaigns", {"campaign": "win_back", "tab": "Report"}, 1),
        ("campaigns", {"campaign": "win_back", "tab": "Edit"}, 3),
        ("campaigns", {"why": HOSTILE}, 1),
        ("feedback", {}, 2),
        ("privacy", {"customer": CUSTOMER}, 6),
        ("privacy", {"customer": HOSTILE}, 0),  # what is no id is not repeated
        *(("health", {"tab": tab}, 1) for tab in ("Freshness", "Builds", "Audit")),
        ("settings", {"tab": "Colleagues"}, 1),
    ],
)
def test_no_page_makes_anything_of_hostile_words(
    visit: Callable[..., AppTest], page: str, query: dict[str, str], fewest: int
) -> None:
    judged(visit(page, **query), fewest)


def labelled(elements: Any, label: str) -> Any:
    return next(each for each in elements if each.label == label)


def test_two_of_the_same_hostile_name_are_told_apart_wherever_one_is_chosen(
    visit: Callable[..., AppTest],
) -> None:
    app = visit("customers")
    app.text_input(key="search").set_value("evil").run()
    judged(app, 2)
    app = visit("privacy")
    app.text_input(key="privacy_who").set_value("evil").run()
    choice = labelled(app.selectbox, "Whom do you mean?")
    assert sorted(choice.options) == [f"{SHORT} · {CUSTOMER}", f"{SHORT} · {TWIN}"]
    for each in (CUSTOMER, TWIN):
        labelled(app.selectbox, "Whom do you mean?").select_index(
            next(place for place, option in enumerate(choice.options) if option.endswith(each))
        ).run()
        assert f"<span>{each}</span>" in html_of(app)
    judged(app, 2)


def test_why_a_hostile_customer_was_written_to_is_told_in_text(visit: Callable[..., AppTest]) -> None:
    with open_store(read_settings()) as store, store.read() as connection:
        message_id = connection.execute(select(messages.c.message_id)).scalars().first()
    app = visit("campaigns", why=str(message_id))
    app.text_input(key="why_customer").set_value(CUSTOMER).run()
    judged(app, 4)
    assert "“Why?”" in html_of(app)


def test_a_template_is_previewed_as_a_hostile_customer_in_a_frame_that_obeys_nothing(
    visit: Callable[..., AppTest],
) -> None:
    app = visit("templates", template="win_back")
    area = labelled(app.text_area, "The file's text")
    area.set_value(
        area.value.replace("{{ offer_share }} of it", "{{ display_name | default('you') }} of it")
    ).run()
    app.text_input(key="template_who").set_value(CUSTOMER).run()
    judged(app, 2)
    (shown,) = app.get("iframe")
    assert "&amp;lt;img src=//evil.example" in shown.proto.srcdoc
    assert (
        "&lt;img src=//evil" not in shown.proto.srcdoc
    )  # of the mail's HTML, which is escaped once in the frame's


def test_a_hostile_file_is_tried_landed_and_set_aside_in_text(visit: Callable[..., AppTest]) -> None:
    app = visit("own_data")
    columns = ("Order No", "Date", "E-mail", "Product", "Price", SHORT, hostile.FORMULA)
    lines = [
        (f"A{number}", "2026-10-09", "a@example.com", HOSTILE, "1.50", SHORT, "x") for number in range(9)
    ]
    written = io.StringIO()
    csv.writer(written).writerows([columns, *lines, ("A10", SHORT, "a@example.com", "Mug", SHORT, "x", "x")])
    name = "=<img src=x onerror=alert('evil')>![evil](evil).csv"
    app.file_uploader[0].upload(name, written.getvalue().encode(), "text/csv").run()
    judged(app, 2)
    labelled(app.button, "Land it").click().run()
    judged(app, 0)
    assert "Landed." in html_of(app)
    app = visit("health", tab="Set aside")
    judged(app, 1)
    assert "onerror" in html_of(app)


def test_no_cell_of_a_segment_that_is_taken_away_is_a_formula_and_each_can_be_read(harmed: Path) -> None:
    settings = read_settings(home=harmed)
    with open_store(settings) as store:
        customers = Customers(settings, store)
        desk = Desk(settings, store, customers, Library(settings.library_dir), Clock(hostile.NOON))
        admin = sight(Person("1", "ann", frozenset({"admin"})))
        text = exported(desk, "harm", sight=admin, actor="ann").text
        customers.close()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert len(rows) == 2
    assert not [cell for row in [head, *rows] for cell in row if cell[:1] in set("=+-@\t\r\n")]
    first = dict(zip(head, next(row for row in rows if row[0] == CUSTOMER), strict=True))
    assert first["email"] == HOSTILE
    second = dict(zip(head, next(row for row in rows if row[0] == TWIN), strict=True))
    assert second["phone"] == "'+442079460006"
