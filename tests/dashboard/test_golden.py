"""How the card says where a detail comes from."""

from datetime import datetime

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.golden import origin
from messaging.customers import GoldenValue

SPRING = datetime(2026, 5, 3, 23, 30)


def value(rule: str, candidates: int, record: str = "contact/7") -> GoldenValue:
    return GoldenValue("email", "ada@example.com", "shopify", record, SPRING, rule, candidates)


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (value("only value", 1), "from the shopify contact record, 4 May 2026"),
        (value("stated", 2), "from the shopify contact record, 4 May 2026; 1 other value, but this one stands in a contact record"),
        (value("recency", 3, "line/1"), "from the shopify order, 4 May 2026; 2 other values, but this one is the newest"),
    ],
)  # fmt: skip
def test_a_detail_says_its_record_its_day_and_what_it_beat(one: GoldenValue, sentence: str) -> None:
    assert origin(one, "Europe/London") == sentence


def _draw(names: list[str]) -> None:
    from datetime import datetime

    from dashboard.components import golden
    from messaging.customers import GoldenValue

    when = datetime(2026, 5, 3)
    golden.origins(
        [GoldenValue(name, f"<{name}>", "crm", "call/1", when, "only value", 1) for name in names], "UTC"
    )


def shown(names: list[str]) -> AppTest:
    test = AppTest.from_function(_draw, kwargs={"names": names}, default_timeout=30).run()
    assert not test.exception
    return test


def test_what_is_taken_together_is_one_line_and_written_as_text() -> None:
    app = shown(["given_name", "family_name", "city"])
    (lines,) = [str(block.proto.body) for block in app.get("html")]
    assert lines.count("r-row") - lines.count("r-rows") == 2
    assert "&lt;given_name&gt; &lt;family_name&gt;" in lines
    assert "Name, from the crm call, 3 May 2026<" in lines


def test_without_anything_known_there_is_nothing_to_unfold() -> None:
    assert len(shown([]).expander) == 0
