from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.contracts import published_contract
from data_contracts.errors import TemplateError
from messaging import formats
from messaging.rendering import (
    Compiled,
    NotRenderableError,
    Rendered,
    build_context,
    choose_language,
    read_template,
)
from messaging.rendering.environment import check_source
from messaging.rendering.mail import plain_text

COLUMNS = [column.name for column in published_contract("customer_360").columns]
SURROUNDINGS = {
    "company_name": "Harbour & Pine",
    "company_address": "1 Quay Street",
    "company_colour": "#1f4d45",
    "company_logo_url": None,
    "currency": "GBP",
    "time_zone": "Europe/London",
    "language": "en",
    "today": datetime.fromisoformat("2026-10-30T12:00"),
    "unsubscribe_url": "https://example.com/u/1",
}
FACTS = {
    "given_name": "Ada",
    "net_revenue_minor": 123_450,
    "last_order_at": datetime.fromisoformat("2026-07-01T23:30"),
}
HEAD = "---\nclass: {kind}\nsubject: {subject}\n---\n"


def sms(body: str, **facts: Any) -> Rendered:
    text = HEAD.format(kind="transactional", subject='""') + body
    return Compiled(read_template("sms", "tried", "en", text), COLUMNS).render(context(**facts))


def mail(body: str, subject: str = "Hello", **facts: Any) -> Rendered:
    text = HEAD.format(kind="transactional", subject=f'"{subject}"') + body
    return Compiled(read_template("email", "tried", "en", text), COLUMNS).render(context(**facts))


def context(**facts: Any) -> dict[str, Any]:
    return build_context(dict.fromkeys(COLUMNS) | FACTS | facts, SURROUNDINGS, {})


@pytest.mark.parametrize("missing", [None, "", "   "])
def test_default_stands_in_for_everything_that_is_missing(missing: Any) -> None:
    assert sms("Hi {{ given_name | default('there') }}", given_name=missing).body == "Hi there"


def test_what_is_missing_without_a_default_is_never_written() -> None:
    with pytest.raises(NotRenderableError) as caught:
        sms("Hi {{ given_name }}", given_name=None)
    assert caught.value.names == ("given_name",)


@pytest.mark.parametrize(
    "body", ["{{ email_reachable }}", "{{ last_order_at }}", "{% if order_count > 1 %}x{% endif %}"]
)
def test_a_value_that_is_no_word_for_a_customer_is_never_written(body: str) -> None:
    with pytest.raises(NotRenderableError):
        sms(body, email_reachable=True, order_count=None)


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/passwd", "\x00"])
def test_a_time_zone_that_is_none_leaves_out_one_customer_and_not_the_whole_plan(zone: str) -> None:
    text = HEAD.format(kind="transactional", subject='""') + "{{ last_order_at | date }}"
    compiled = Compiled(read_template("sms", "tried", "en", text), COLUMNS)
    with pytest.raises(NotRenderableError):
        compiled.render(context() | {"time_zone": zone})


def test_marketing_under_another_purpose_is_refused_as_opt_outs_would_not_count() -> None:
    head = "---\nclass: marketing\npurpose: service\n---\n"
    with pytest.raises(TemplateError, match="purpose: marketing"):
        read_template("sms", "tried", "en", head + "Reply STOP to opt out")


def test_what_we_did_not_know_is_told_with_the_message() -> None:
    rendered = sms(
        "Hi {{ given_name | default('there') }} {{ favourite_category | default('') }}.", given_name="Ada"
    )
    assert rendered.missing == ("favourite_category",)


@pytest.mark.parametrize(
    ("given_name", "greeting"),
    [
        ("ADA", "Ada"),
        ("maria-luísa", "Maria-Luísa"),
        ("o'neil", "O'Neil"),
        ("McKay", "McKay"),
        ("test", "you"),
        ("a@example.com", "you"),
        ("Ada1", "you"),
        ("-", "you"),
        ("李", "李"),
        ("x" * 60, "you"),
        ("  Zoë ", "Zoë"),
        ("Mary J. St. John", "Mary J. St. John"),
        ("Win now evil.com", "you"),
    ],
)
def test_a_name_is_tidied_or_left_out(given_name: str, greeting: str) -> None:
    assert sms("{{ given_name | name | default('you') }}", given_name=given_name).body == greeting


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (123_450, "GBP", "en", "£1,234.50"),
        (123_450, "EUR", "de", "1.234,50 €"),
        (123_450, "EUR", "fr", "1 234,50 €"),
        (123_450, "SEK", "sv", "1 234,50 kr"),
        (1234, "JPY", "en", "¥1,234"),
        (1_234_500, "KWD", "en", "KWD 1,234.500"),
        (-5, "GBP", "en", "-£0.05"),
    ],
)
def test_money_is_written_the_way_of_the_language(
    minor: int, currency: str, language: str, text: str
) -> None:
    assert formats.money(minor, currency, language) == text


def test_a_date_is_the_readers_own_day_in_their_language() -> None:
    moment = FACTS["last_order_at"]
    assert isinstance(moment, datetime)
    assert formats.day(moment, "en", "Europe/London") == "2 July 2026"
    assert formats.day(moment, "de", "America/New_York") == "1. Juli 2026"
    assert formats.day(moment, "es") == "1 de julio de 2026"


def test_a_customers_own_braces_stay_text() -> None:
    assert sms("Hi {{ given_name }}", given_name="{{7*7}}").body == "Hi {{7*7}}"


def test_html_is_escaped_and_its_plain_text_is_not() -> None:
    rendered = mail("<p>Hi {{ given_name }}</p>", given_name="<b>Ann & Bob</b>")
    assert rendered.html == "<p>Hi &lt;b&gt;Ann &amp; Bob&lt;/b&gt;</p>"
    assert rendered.body == "Hi <b>Ann & Bob</b>\n"


def test_a_subject_is_one_line_whatever_the_data_holds() -> None:
    rendered = mail("<p>x</p>", "Hi {{ given_name }}", given_name="Ada\r\nBcc: all@example.com\u2028x")
    assert rendered.subject == "Hi Ada Bcc: all@example.com x"


def test_the_lines_of_a_text_message_are_joined_up_to_a_blank_one() -> None:
    assert sms("Hello,\nit is us.\n\nReply STOP").body == "Hello, it is us.\nReply STOP"


def test_segments_are_counted_as_they_are_billed() -> None:
    assert sms("a" * 160).segment_count == 1
    assert sms("a" * 161).segment_count == 2
    assert sms("ł" * 71).segment_count == 2


def test_a_message_is_bounded() -> None:
    with pytest.raises(TemplateError, match="1601 characters"):
        sms("a" * 1601)
    with pytest.raises(TemplateError, match="20000"):
        sms("a" * 20_001)
    assert len(sms("{{ given_name }}", given_name="é" * 10_000).body) == 300


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{{ given_nam }}", "Did you mean given_name"),
        ("{{ given_name | defualt('x') }}", "did you mean default"),
        ("{% if given_name %}", "Line 1"),
        ("{{ given_name", "Line 1"),
        ("{% set given_name = 'x' %}", "a column's name"),
    ],
)
def test_a_slip_is_told_with_its_line_and_its_mend(body: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        sms(body)


@pytest.mark.parametrize(
    ("channel", "head", "body", "told"),
    [
        ("sms", "class: marketing", "Buy!", "how to stop"),
        ("email", "class: marketing\nsubject: Hi", "<p>Buy!</p>", "unsubscribe link"),
        ("email", "class: marketing", "<p>{{ unsubscribe_url }}</p>", "no subject"),
        ("sms", "class: marketing\nsubject: Hi", "Reply STOP", "cannot show"),
        (
            "sms",
            "class: advertising",
            "Reply STOP",
            "line 2: class: input should be 'marketing', 'transactional' or 'conversational', and it is 'advertising'",
        ),
        (
            "sms",
            "class: marketing\ncolour: red",
            "Reply STOP",
            "line 3: colour is no word of this file; legal there: title",
        ),
        ("sms", "class: [", "Reply STOP", "cannot be read as YAML at line"),
        ("fax", "class: marketing", "Reply STOP", "names the channel"),
    ],
)
def test_a_template_owes_its_reader_a_way_out(channel: str, head: str, body: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        read_template(channel, "tried", "en", f"---\n{head}\n---\n{body}")


@pytest.mark.parametrize("written", ["2026-11-27", "2026-11-27 18:00:00", "50"])
def test_a_title_and_a_subject_may_be_a_day_a_moment_or_a_number_without_quotes(written: str) -> None:
    text = f"---\nclass: transactional\ntitle: {written}\nsubject: {written}\n---\nHello"
    template = read_template("email", "tried", "en", text)
    assert (template.title, template.subject) == (written, written)


def test_a_template_without_a_head_is_told() -> None:
    with pytest.raises(TemplateError, match="head"):
        read_template("sms", "tried", "en", "Reply STOP")


ATTACKS = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ given_name.__class__ }}",
    "{{ given_name['__class__'] }}",
    "{{ given_name.upper() }}",
    "{{ given_name.format() }}",
    "{{ '{0.__class__}'.format(given_name) }}",
    "{{ '%s' % given_name }}",
    "{{ given_name | attr('__class__') }}",
    "{{ given_name | map('upper') }}",
    "{{ given_name | safe }}",
    "{{ given_name | tojson }}",
    "{{ given_name | pprint }}",
    "{{ given_name | format(1) }}",
    "{{ given_name | replace('a', 'aaaaaaaa') }}",
    "{{ given_name | center(999999999) }}",
    "{{ given_name | indent(99999999) }}",
    "{{ given_name | wordwrap(1) }}",
    "{{ given_name | list }}",
    "{{ given_name | join(given_name) }}",
    "{{ given_name | string * 99999999 }}",
    "{{ 'a' * 999999999 }}",
    "{{ 7 ** (10 ** 6) }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 1 + 1 }}",
    "{{ 1 // 0 }}",
    "{{ -given_name }}",
    "{{ given_name ~ given_name }}",
    "{{ [given_name] * 9 }}",
    "{{ {'a': given_name} }}",
    "{{ given_name[0] }}",
    "{{ given_name[::2] }}",
    "{{ range(99999) }}",
    "{{ lipsum(n=100000) }}",
    "{{ cycler('a') }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ loop }}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ varargs }}",
    "{{ config }}",
    "{{ request.environ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ undefined_thing.x }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for a in given_name %}x{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call m() %}{% endcall %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% extends 'base' %}",
    "{% block a %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape false %}{{ given_name }}{% endautoescape %}",
    "{% with a = 1 %}{% endwith %}",
    "{% set a %}x{% endset %}",
    "{% set a.b = 1 %}",
    "{% set a, b = 1, 2 %}",
    "{% do given_name.append(1) %}",
    "{% trans %}x{% endtrans %}",
    "{% debug %}",
    "{{ given_name is defined }}",
    "{{ given_name is callable }}",
    "{{ given_name | default(*[1]) }}",
    "{{ given_name | default(**{}) }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "9" * 5000 + " }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "{{ 'x' if " * 300 + "1" + " }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_before_anything_is_compiled(attack: str) -> None:
    with pytest.raises(TemplateError):
        check_source(attack, COLUMNS)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script><p>x</p>",
        '<p onclick="x()">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JAVASCRIPT:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<a href="{{ given_name }}">x</a>',
        '<a href="{{ unsubscribe_url }}{{ given_name }}">x</a>',
        "<p {{ given_name }}>x</p>",
        "<p {% if 1 %}class='a'{% endif %}>x</p>",
        '<p style="color:{{ given_name }}">x</p>',
        "<{{ given_name }}>x",
        "</{{ given_name }}>x",
        "<style>p { color: {{ given_name }} }</style><p>x</p>",
        '<iframe src="https://example.com"></iframe>',
        '<form action="https://example.com"><p>x</p></form>',
        '<svg onload="x()"><p>x</p></svg>',
        '<img srcset="https://example.com/a 2x">',
        '<object data="https://example.com"></object>',
        "<base href='https://example.com'>",
        "<meta {{ given_name }}>",
    ],
)
def test_html_that_has_no_place_in_an_email_is_refused(html: str) -> None:
    with pytest.raises(TemplateError):
        mail(html)


def test_entities_cannot_smuggle_a_template_past_the_check() -> None:
    with pytest.raises(TemplateError):
        mail("<p>&#123;&#123; ''.__class__ &#125;&#125;</p>")


def test_the_plain_text_keeps_links_lists_and_paragraphs() -> None:
    html = '<h1>Hi</h1><p>One<br>two</p><ul><li>a</li><li>b</li></ul><p><a href="https://example.com/x">Look</a></p>'
    assert plain_text(html) == "Hi\n\nOne\ntwo\n\n- a\n- b\n\nLook: https://example.com/x\n"


@given(text=st.text(max_size=400))
def test_any_text_is_a_template_or_is_told_to_be_none(text: str) -> None:
    try:
        names = check_source(text, COLUMNS)
    except TemplateError:
        return
    assert names <= set(COLUMNS)


@given(name=st.text(max_size=60))
def test_no_name_breaks_out_of_its_place(name: str) -> None:
    rendered = mail(
        "<p>Hi {{ given_name | default('you') }}!</p>",
        "Hi {{ given_name | default('you') }}",
        given_name=name,
    )
    assert rendered.html is not None
    inside = rendered.html.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside
    assert rendered.subject is not None
    assert len(rendered.subject.splitlines()) <= 1


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("de-AT", "de"),
        ("de", "de"),
        ("pt-BR", "pt-BR"),
        ("pt", "en"),
        (None, "en"),
        ("xx", "en"),
        ("FR_ca", "fr"),
    ],
)
def test_a_reader_gets_their_language_or_the_templates_own(wanted: str | None, chosen: str) -> None:
    assert choose_language(wanted, ["en", "de", "fr", "pt-BR"], "en") == chosen
