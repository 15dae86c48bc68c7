"""Templates are held against the contract of what is known of a customer, and looked at for what could be better."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_contracts.contracts import published_contract
from data_contracts.errors import NotFoundError, TemplateError
from messaging.campaigns import SHIPPED, Library, fill_library
from messaging.cli import app
from messaging.rendering import Compiled, NotRenderableError, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.findings import Finding
from messaging.rendering.linting import lint
from messaging.settings import Settings
from messaging.templates import check_templates

CONTRACT = published_contract("customer_360")
SMS = "---\nclass: transactional\n{head}---\n{body}"
MAIL = '---\nclass: marketing\nsubject: "{subject}"\nneeds: [shop_url]\n---\n\n{body}'
OWED = '<a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ company_address | default("") }}'


def found(body: str, head: str = "") -> list[Finding]:
    return check_contract(read_template("sms", "tried", "en", SMS.format(head=head, body=body)), CONTRACT)


def mail_warnings(body: str, subject: str = "Hello") -> dict[str, Finding]:
    text = MAIL.format(subject=subject, body=body)
    return {each.code: each for each in lint(read_template("email", "tried", "en", text), CONTRACT)}


@pytest.mark.parametrize(
    "body",
    [
        "{{ given_name }}",
        "{{ given_name | name }}",
        "{% if given_name %}{{ given_name | name }}{% endif %}",  # `Test` is there, and no name
        "{{ last_order_at | date }}",
        "{{ last_order_at | date | default('once') }}",  # the date of nothing is made before the default
        "{% if favourite_category %}x{% else %}{{ favourite_category }}{% endif %}",
        "{% if not favourite_category %}{{ favourite_category }}{% endif %}",
        "{% if favourite_category or given_name %}{{ favourite_category }}{% endif %}",
        "{% set who = given_name | name %}{{ who }}",
        "{% if favourite_category %}{% set what = 'x' %}{% endif %}{{ what }}",
        "{% if favourite_category %}a{% endif %}{{ favourite_category }}",
        "{{ 'x' if favourite_category }}",
        "{% if rfm_recency > 3 %}x{% endif %}",
        "{% if 'Kitchen' in categories %}x{% endif %}",
        "{{ company_address }}",
        "{{ unsubscribe_url }}",
    ],
)
def test_what_may_be_missing_is_refused_without_a_default_or_a_condition(body: str) -> None:
    assert [each.code for each in found(body)] == ["may_be_missing"]


@pytest.mark.parametrize(
    "body",
    [
        "{{ given_name | name | default('there') }}",
        "{{ order_count }}",
        "{% if last_order_at %}{{ last_order_at | date }}{% endif %}",
        "{% if given_name | name %}{{ given_name | name | upper }}{% endif %}",
        "{% set who = given_name | name %}{% if who %}{{ who }}{% endif %}",
        "{% set who = given_name | name %}{% if given_name | name %}{{ who }}{% endif %}",
        "{% if not favourite_category %}x{% else %}{{ favourite_category }}{% endif %}",
        "{% if not favourite_category %}x{% elif order_count > 1 %}{{ favourite_category }}{% endif %}",
        "{% if favourite_category and order_count > 1 %}{{ favourite_category }}{% endif %}",
        "{% if favourite_category == 'Kitchen' %}{{ favourite_category }}{% endif %}",
        "{{ favourite_category or 'everything' }}",
        "{{ favourite_category if favourite_category else 'everything' }}",
        "{% if rfm_recency and rfm_recency > 3 %}x{% endif %}",
        "{% if order_count > 1 %}{% set what = 'x' %}{% else %}{% set what = 'y' %}{% endif %}{{ what }}",
        "{{ language }}",
    ],
)
def test_what_is_asked_for_or_has_a_default_is_right(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{% if last_order_at %}{{ last_order_at }}{% endif %}", "as a moment"),
        ("{{ email_reachable }}", "true or false"),
        ("{{ order_count | date }}", "takes a day or a moment"),
        ("{% if favourite_category %}{{ favourite_category | money }}{% endif %}", "whole minor units"),
    ],
)
def test_a_value_is_written_the_way_of_its_type(body: str, says: str) -> None:
    (one,) = found(body)
    assert one.code == "wrong_type"
    assert says in one.sentence


def test_what_we_conclude_of_a_person_may_be_gone_by_and_never_be_written() -> None:
    shown, *_ = found("{% if churn_level %}{{ churn_level }}{% endif %}")
    assert (shown.code, shown.line) == ("restricted", 4)
    assert found("{% set risk = churn_level | default('low') %}x")[0].code == "restricted"
    assert found("{% if churn_level == 'high' %}We miss you{% endif %}") == []


def test_what_is_sensitive_may_not_even_be_gone_by() -> None:
    column = replace(CONTRACT.column("vip_tier"), name="diagnosis", classification="sensitive")
    contract = replace(CONTRACT, columns=(*CONTRACT.columns, column))
    text = SMS.format(head="", body="{% if diagnosis %}Get well{% endif %}")
    (one,) = check_contract(read_template("sms", "tried", "en", text), contract)
    assert (one.code, one.line) == ("restricted", 4)


def test_who_lacks_what_the_head_asks_for_is_left_out_and_the_template_may_show_it() -> None:
    text = SMS.format(
        head="only_with: [favourite_category]\n",
        body="{{ favourite_category }}, {{ given_name | default('x') }}",
    )
    template = read_template("sms", "tried", "en", text)
    assert check_contract(template, CONTRACT) == []
    compiled = Compiled(template, [each.name for each in CONTRACT.columns])
    with pytest.raises(NotRenderableError) as caught:
        compiled.render({"favourite_category": None, "given_name": None})
    assert caught.value.names == ("favourite_category",)
    (one,) = found("x", "only_with: [favourit_category]\n")
    assert (one.code, one.line) == ("unknown_column", 3)


def test_a_condition_nested_as_deeply_as_may_be_is_checked_at_once() -> None:
    body = "order_count"
    for _ in range(30):
        body = f"({body} > order_count)"
    deep = "given_name"
    for _ in range(17):
        deep = f"({deep} and given_name or given_name)"
    chain = "{% set a0 = given_name or given_name %}" + "".join(
        f"{{% set a{each + 1} = a{each} or a{each} %}}" for each in range(60)
    )
    began = time.perf_counter()
    found(chain + "{% if a60 %}x{% endif %}{% set a = b %}{% set b = a %}{% if a %}x{% endif %}")
    found(f"{{% if {body} %}}x{{% endif %}}{{{{ {deep} }}}}")
    assert time.perf_counter() - began < 2


def test_a_finding_names_the_file_and_line_where_it_was_written(settings: Settings) -> None:
    fill_library(settings)
    library = Library(settings.library_dir)
    folder = settings.library_dir
    path = folder / "templates" / "email" / "welcome.de.j2"
    path.write_text(path.read_text() + "\n<p>{{ favourite_category }}</p>\n")
    layout = folder / "layouts" / "email.j2"
    layout.write_text(layout.read_text().replace("</body>", "{{ vip_tier }}\n</body>"))
    errors = {(each.file, each.line) for each in check_templates(library, "welcome")}
    assert ("templates/email/welcome.de.j2", _line(path, "favourite_category }}</p>")) in errors
    assert ("layouts/email.j2", _line(layout, "vip_tier")) in errors
    with pytest.raises(TemplateError, match=r"line \d+: The template shows"):
        library.content("welcome").compiled(library.contract)


@pytest.mark.parametrize(
    ("body", "line"), [("a\n{{ given_nam }}", 2), ("a\nb\n{% for x in y %}{% endfor %}", 3), ("{% if %}", 1)]
)
def test_what_cannot_be_read_is_told_at_its_line(settings: Settings, body: str, line: int) -> None:
    fill_library(settings)
    path = settings.library_dir / "templates" / "sms" / "tried.j2"
    path.write_text(SMS.format(head="", body=body))
    (one,) = check_templates(Library(settings.library_dir), "tried")
    assert (one.level, one.file, one.line) == ("error", "templates/sms/tried.j2", 3 + line)


def test_every_shipped_template_is_right_and_goes_in_gsm7_in_its_own_language(settings: Settings) -> None:
    fill_library(settings)
    every = check_templates(Library(settings.library_dir))
    assert [each for each in every if each.level == "error"] == []
    assert {each.code for each in every} <= {"not_gsm7", "long_sms", "long_subject"}
    assert not [each for each in every if each.code == "not_gsm7" and each.file.count(".") == 1]
    assert set(SHIPPED.rglob("*.j2"))


def test_an_sms_is_told_its_letters_and_its_length() -> None:
    text = SMS.format(head="", body="Grüße\nà bientôt, forêt, bientôt\n" + "long " * 70)
    warnings = lint(read_template("sms", "tried", "en", text), CONTRACT)
    assert [(each.code, each.line) for each in warnings] == [
        ("not_gsm7", 5),
        ("not_gsm7", 5),
        ("long_sms", 1),
    ]
    assert "'ô' (U+00F4)" in warnings[0].sentence
    plain = SMS.format(head="", body="Grüße € {[~]}")
    assert lint(read_template("sms", "tried", "en", plain), CONTRACT) == []


def test_a_mail_is_told_what_its_readers_would_see() -> None:
    body = (
        '<img src="https://example.com/a.png">\n<img src="https://example.com/b.png" alt="">\n'
        '<a href="http://example.com/">Hi {first_name}</a>\n<!-- unsubscribe_url -->'
    )
    told = mail_warnings(
        body, "A subject that goes on and on until nobody reads it any more, {{ shop_url }} and on"
    )
    assert {code: each.line for code, each in told.items()} == {
        "left_over_braces": 9,
        "no_https": 9,
        "long_subject": 3,
        "no_unsubscribe": 1,
        "no_postal_address": 1,
        "no_alt": 7,
    }
    assert mail_warnings(OWED) == {}


def test_the_command_ends_with_1_on_an_error_and_tells_json(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    right = CliRunner().invoke(app, ["template", "check", "welcome", "--json"])
    assert right.exit_code == 0, right.output
    path = settings.library_dir / "templates" / "sms" / "welcome.j2"
    path.write_text(path.read_text() + "{{ phone }}")
    wrong = CliRunner().invoke(app, ["template", "check", "welcome", "--json"])
    assert wrong.exit_code == 1
    (error,) = [each for each in json.loads(wrong.stdout) if each["level"] == "error"]
    assert error["file"] == "templates/sms/welcome.j2"
    assert "'phone'" in error["sentence"]
    with pytest.raises(NotFoundError):
        check_templates(Library(settings.library_dir), "welcom")


def _line(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)
