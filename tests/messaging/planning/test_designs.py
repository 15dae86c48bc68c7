"""How e-mails are designed: MJML, product cards, pictures by name, CSS in the tags, and a plain text that somebody wrote."""

import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data_contracts.contracts import published_contract
from data_contracts.errors import LibraryError, RefusedError, TemplateError
from messaging import brand
from messaging.assets import LARGEST, publish, served_names
from messaging.campaigns import Library, fill_library, read_content
from messaging.desk.templates import layouts_without, self_contained
from messaging.rendering import Compiled, Rendered, Template, read_template
from messaging.rendering.checking import check_contract
from messaging.rendering.designs import Design
from messaging.rendering.linting import lint, sample_context
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.templates.checks import check_templates
from messaging.templates.previews import preview

CONTRACT = published_contract("customer_360")
COLUMNS = [column.name for column in CONTRACT.columns]
HEAD = "---\nclass: transactional\npurpose: service\nsubject: Hello\nneeds: [shop_url]\n---\n"
LAYOUT = "<mjml>\n<mj-body>\n{{ content }}\n</mj-body>\n</mjml>"
ROW = "<mj-section><mj-column>{}</mj-column></mj-section>"
BUTTON = ROW.format('<mj-button href="https://example.com">Go</mj-button>')
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def read(body: str, design: Design | None = None, head: str = HEAD) -> Template:
    return read_template("email", "tried", "en", head + body, design or Design(mjml=LAYOUT))


def rendered(template: Template, **facts: Any) -> Rendered:
    compiled = Compiled(template, COLUMNS)
    return compiled.render(sample_context(compiled, CONTRACT, "en") | facts)


def test_mjml_becomes_a_mail_with_tables_whose_words_are_filled_in_and_escaped() -> None:
    body = ROW.format("<mj-text>Dear {{ given_name | name | default('you') }}</mj-text>")
    made = rendered(read(body), given_name="<b>Eve</b>")
    assert made.html is not None
    assert "<mj-" not in made.html
    assert "RPFILLED" not in made.html
    assert "<!--[if mso" in made.html  # what Outlook needs
    assert 'lang="en"' in made.html
    assert "Dear you" in made.html  # a tag is no name
    made = rendered(read(body), given_name="D'Arcy")
    assert "Dear D&#39;Arcy" in str(made.html)
    assert made.body == "Dear D'Arcy\n"


def test_conditions_stand_where_xml_would_not_have_them_and_between_blocks() -> None:
    text = "{% if order_count and order_count < 2 %}first & only{% else %}again{% endif %}".replace(
        "&", "&amp;"
    )
    body = ROW.format(f"<mj-text>{text}</mj-text>")
    body = "{% if favourite_category %}" + body + "{% endif %}" + ROW.format("<mj-text>Bye</mj-text>")
    assert rendered(read(body), order_count=1).body == "first & only\n\nBye\n"
    assert rendered(read(body), order_count=3).body == "again\n\nBye\n"
    assert rendered(read(body), favourite_category=None).body == "Bye\n"


def test_a_button_leads_by_https_and_columns_stand_one_below_the_other_in_the_text() -> None:
    body = "<mj-section><mj-column><mj-button href='{{ shop_url }}?a=1&amp;b=2'>Go</mj-button></mj-column>"
    made = rendered(read(body + "<mj-column><mj-text>Right</mj-text></mj-column></mj-section>"))
    assert 'href="https://example.com/a-page?a=1&amp;b=2"' in str(made.html)
    assert made.body == "Go: https://example.com/a-page?a=1&b=2\n\nRight\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "<mj-section>\n<mj-column>\n<mj-text>x</mj-column></mj-section>",
            "Line 9: this is no MJML: </mj-column> stands where <mj-text> of line 5 is not closed",
        ),
        ("<mj-section>\n</mj-section>\n<mj-include path='/etc/hostname' />", "this is no MJML"),
        (ROW.format("<mj-foo/>"), "An e-mail may not hold <mj-foo>"),
        (ROW.format("<mj-raw><script>x</script></mj-raw>"), "may not hold <script>"),
        (ROW.format("<mj-button href='javascript:x'>x</mj-button>"), "leads somewhere that is neither"),
        (ROW.format("<mj-text>\n{{ given_nam }}</mj-text>"), "Line 4: the template names 'given_nam'"),
        ("\n<product-card button='x' />", "Line 8: a product card has no 'button'"),
        ('\n<product-card button="x" />', "Line 8: a product card has no 'href'"),
        (
            '<product-card button="x" href="{{ shop_url }}" size="9" />',
            "Line 7: a product card has no 'size'",
        ),
        (ROW.format('\n<mj-image src="asset:gone.png" />'), "Line 8: there is no picture 'gone.png'"),
    ],
)
def test_what_is_wrong_in_mjml_is_told_with_its_line(body: str, told: str) -> None:
    with pytest.raises(TemplateError) as refused:
        Compiled(read(body), COLUMNS)
    assert told in refused.value.message


def test_what_is_wrong_in_the_layout_is_told_of_the_layout() -> None:
    with pytest.raises(TemplateError, match=r"layouts/email.mjml, line 2: there is no picture 'logo.png'"):
        read(
            ROW.format("<mj-text>x</mj-text>"),
            Design(mjml=LAYOUT.replace("-body>\n{{", '-body><mj-image src="asset:logo.png"/>\n{{')),
        )


def test_a_product_card_shows_what_suits_its_reader_and_nothing_where_there_is_nothing() -> None:
    design = Design(mjml=LAYOUT, assets={"gift.png": "0" * 32 + ".png"})
    template = read('<product-card image="asset:gift.png" button="See it" href="{{ shop_url }}" />', design)
    assert check_contract(template, CONTRACT) == []
    made = rendered(template, suggested_product="Wool Cushion")
    assert made.body == "Wool Cushion\n\nSee it: https://example.com/a-page\n"
    assert f'src="https://example.com/a/{"0" * 32}.png"' in str(made.html)
    assert "See it" not in str(rendered(template, suggested_product=None).html)
    assert lint(template, CONTRACT) == []


def test_the_contract_is_held_on_the_lines_that_were_written() -> None:
    body = '<product-card\nbutton="x" href="{{ shop_url }}" />\n' + ROW.format(
        "<mj-text>\n{{ favourite_category }}</mj-text>"
    )
    (found,) = check_contract(read(body), CONTRACT)
    assert (found.code, found.file, found.line) == ("may_be_missing", "templates/email/tried.j2", 10)


def test_css_goes_into_the_tags_and_conditions_in_a_table_stay_in_their_rows() -> None:
    html = (
        "<html><head><style>td.big { font-size: 30px } @media (max-width: 9px) { .big { color: red } }</style></head>"
        '<body><table>{% if favourite_category %}<tr><td class="big">{{ favourite_category }}</td></tr>{% endif %}'
        '<tr><td>Bye <a href="{{ shop_url }}">x</a></td></tr></table></body></html>'
    )
    template = read(html)
    row = '<tr><td class="big" style="font-size: 30px;">{{ favourite_category }}</td></tr>'
    assert f"{{% if favourite_category %}}{row}{{% endif %}}" in str(template.html)
    assert '<a href="{{ shop_url }}">' in str(template.html)
    assert "@media (max-width: 9px)" in str(template.html)
    assert rendered(template, favourite_category=None).body == "Bye x: https://example.com/a-page\n"
    mjml = read(
        "<mj-style inline='inline'>.big { color: red }</mj-style>"
        + ROW.format('<mj-text><b class="big">x</b></mj-text>')
    )
    assert '<b class="big" style="color: red;">x</b>' in str(mjml.html)


def test_a_mail_without_css_or_mjml_is_left_letter_by_letter() -> None:
    body = "<p>Dear  {{ given_name | default('you') }}<br>x</p>"
    assert read(body).html == read(body).source == body + "\n"


def test_a_plain_text_that_somebody_wrote_takes_the_place_of_the_one_that_is_read() -> None:
    template = read(
        "<p>Hello</p>\n=== text ===\nHi {{ given_name | default('you') }}\n{{ unsubscribe_url }}\n"
    )
    made = rendered(template, given_name="Ada")
    assert (made.body, "Hello" in str(made.html)) == ("Hi Ada\nhttps://example.com/u/1\n", True)
    assert "Hi" not in str(made.html)
    (found,) = check_contract(
        read("<p>x</p>\n=== text ===\n{{ unsubscribe_url }}\n{{ favourite_category }}\n"), CONTRACT
    )
    assert found.line == 10
    marketing = HEAD.replace("transactional", "marketing").replace("service", "marketing")
    with pytest.raises(TemplateError, match=r"plain text of .* has no unsubscribe link"):
        read('<a href="{{ unsubscribe_url }}">x</a>\n=== text ===\nHi\n', head=marketing)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "library"
    (folder / "assets").mkdir(parents=True)
    return Library(folder)


def test_a_picture_is_served_by_what_is_in_it_and_kept_for_mails_of_before(
    library: Library, tmp_path: Path
) -> None:
    folder, served = library.folder / "assets", tmp_path / "served"
    (folder / "a.png").write_bytes(PNG)
    before = served_names(folder, ["a.png", "gone.png"])
    publish(folder, served, before)
    (folder / "a.png").write_bytes(PNG + b"1")
    after = served_names(folder, ["a.png"])
    publish(folder, served, after)
    assert {path.name: path.read_bytes() for path in served.iterdir()} == {
        before["a.png"]: PNG,
        after["a.png"]: PNG + b"1",
    }
    with pytest.raises(RefusedError, match="has changed just now"):
        publish(folder, served, {"a.png": "0" * 32 + ".png"})


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.svg", b"<svg/>", "is no picture for a mail"),
        ("a.png", b"GIF89a", "is not what its name says"),
        ("a.gif", b"GIF89a" + b"0" * LARGEST, "has more than 1,000,000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused(name: str, content: bytes, told: str, library: Library) -> None:
    (library.folder / "assets" / name).write_bytes(content)
    with pytest.raises(LibraryError, match=told):
        served_names(library.folder / "assets", [name])


def test_what_is_approved_holds_the_pictures_and_the_layout_of_its_mails(home: Path) -> None:
    settings = read_settings(home=home)
    fill_library(settings)
    library = Library(settings.library_dir)
    content = library.content("did_you_know")
    assert set(content.document["assets"]) == {"tip.png", "gift.png"}
    assert read_content(content.document, CONTRACT).templates == content.templates
    hashes = {content.hash, library.content("did_you_know").hash}
    picture = settings.library_dir / "assets" / "tip.png"
    picture.write_bytes(picture.read_bytes() + b"1")
    hashes.add(library.content("did_you_know").hash)
    layout = settings.library_dir / "layouts" / "email.mjml"
    layout.write_text(layout.read_text().replace("#f4f1ea", "#ffffff"))
    hashes.add(library.content("did_you_know").hash)
    assert len(hashes) == 3
    assert "assets" not in library.content("win_back").document
    assert "mjml_layout" not in library.content("win_back").document
    assert [each for each in check_templates(library, "did_you_know") if each.level == "error"] == []


def test_a_preview_publishes_the_pictures_that_it_shows(home: Path) -> None:
    settings = read_settings(home=home)
    fill_library(settings)
    library = Library(settings.library_dir)
    (shown,) = preview(
        settings, library, "did_you_know", None, datetime.fromisoformat("2026-10-30"), channel="email"
    )
    names = set(re.findall(r"/a/([0-9a-f]{32}\.png)", shown.html or ""))
    assert names == {path.name for path in settings.assets_dir.iterdir()}
    assert len(names) == 2


@pytest.mark.parametrize("kind", ["html", "mjml"])
def test_a_shipped_layout_shows_the_companys_colour_and_its_logo_with_its_name_for_who_sees_no_pictures(
    kind: str, tmp_path: Path
) -> None:
    settings = read_settings(home=tmp_path, company_name="A & B <x>")
    fill_library(settings)
    library = Library(settings.library_dir)
    body = "<p>Hi</p>" if kind == "html" else ROW.format("<mj-text>Hi</mj-text>") + BUTTON
    template = read(body, library.design())
    assert check_contract(template, CONTRACT) == []
    assert not [found for found in lint(template, CONTRACT) if found.code == "no_alt"]
    plain = {"company_name": "A & B <x>", "company_colour": "#1f4d45", "company_logo_url": None}
    bare = rendered(template, **plain)
    assert bare.html is not None
    assert "#1f4d45" in bare.html
    assert "A &amp; B &lt;x&gt;</" in bare.html
    assert "<img" not in bare.html
    logo = "https://example.com/a/logo.png"
    ours = rendered(template, **plain | {"company_colour": "#802020", "company_logo_url": logo})
    assert ours.html is not None
    assert "#1f4d45" not in ours.html
    assert ours.html.count("#802020") >= (1 if kind == "html" else 3)
    assert f'src="{logo}" alt="A &amp; B &lt;x&gt;"' in ours.html
    assert ours.body == bare.body
    assert ours.body.startswith("A & B <x>")


@pytest.mark.parametrize(
    "tag",
    [
        '<p style="color:{{ given_name }}">x</p>',
        '<p style="color:{{ company_colour | default(given_name) }}">x</p>',
        '<p style="{{ company_colour }}">x</p>',
        '<p style="color:{{ company_colour }}{{ given_name }}">x</p>',
        '<p class="{{ company_colour }}">x</p>',
        '<img src="https://example.com/x.png" alt="{{ given_name }}">',
        '<img src="https://example.com/x.png" alt="{{ company_name }} {{ given_name }}">',
    ],
)
def test_no_attribute_is_filled_in_from_anything_but_the_companys_colour_and_name(tag: str) -> None:
    with pytest.raises(TemplateError, match="may not be filled in from data"):
        Compiled(read(tag), COLUMNS)


def test_a_template_cannot_give_the_companys_colour_another_meaning() -> None:
    with pytest.raises(TemplateError, match="company_colour"):
        Compiled(read("{% set company_colour = given_name %}<p>x</p>"), COLUMNS)


def test_a_preview_wears_colour_and_logo_and_a_layout_of_ones_own_that_lacks_them_is_named(
    settings: Settings, store: Store
) -> None:
    fill_library(settings)
    made = io.BytesIO()
    Image.new("RGB", (200, 60), "#802020").save(made, "PNG")
    told: dict[str, Any] = {"actor": "ada", "now": datetime.fromisoformat("2026-11-23T12:00")}
    brand.save_logo(settings, store, made.getvalue(), **told)
    brand.save_colour(settings, store, "#802020", **told)
    (shown,) = preview(
        settings, Library(settings.library_dir), "win_back", None, told["now"], channel="email"
    )
    assert shown.html is not None
    assert "color:#802020;" in shown.html
    whole = self_contained(settings, shown.html)
    assert 'src="data:image/png;base64,' in whole
    assert "/a/" not in whole
    assert layouts_without(settings) == []
    own = settings.library_dir / "layouts" / "email.j2"
    own.write_text("<p>{{ content }}</p><p>{{ unsubscribe_url }}</p>")
    assert layouts_without(settings) == [
        ("layouts/email.j2", "company_colour"),
        ("layouts/email.j2", "company_logo_url"),
    ]
    brand.save_logo(settings, store, None, **told)
    brand.save_colour(settings, store, "", **told)
    assert layouts_without(settings) == []
