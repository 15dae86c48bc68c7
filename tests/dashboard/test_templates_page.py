"""The page of templates: the text beside the preview, what is wrong with it, saving by one of two, versions, test mails."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from dashboard.components.template_versions import drawn
from messaging import audit
from messaging.access import Role
from messaging.desk.templates import self_contained
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import messages

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    monkeypatch.setenv("RAPPORT_COMPANY_ADDRESS", "1 Quay Street, Bristol")
    monkeypatch.setenv("RAPPORT_COLLEAGUES", "eva@example.com")
    return copy


def templates(name: str = "win_back") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["template"] = name
    app.run()
    return app.switch_page("pages/templates.py").run()


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def labelled(elements: Any, label: str) -> Any:
    return next(each for each in elements if each.label == label)


def by_sms(app: AppTest) -> AppTest:
    return labelled(app.button_group, "Channel").set_value("sms").run()


def file_of(home: Path, name: str = "sms/win_back.j2") -> Path:
    return home / "library" / "templates" / name


def test_a_text_is_seen_as_a_customer_would_before_it_is_saved(own_home: Path) -> None:
    app = by_sms(templates())
    assert not app.exception
    area = labelled(app.text_area, "The file's text")
    area.set_value(
        area.value.replace("Reply STOP", "Answer {{ given_name | name | default('you') }}. Reply STOP")
    ).run()
    labelled(app.text_input, "As").set_value("grace.1@example.com").run()
    assert not app.exception
    assert "Answer Grace. Reply STOP" in html_of(app)
    assert "to pay for" in html_of(app)
    with open_store(read_settings()) as store, store.read() as connection:
        (looked,) = [each for each in audit.newest(connection, 5) if each["action"] == "template.preview"]
        assert looked["actor"] == "Demo admin"


def test_a_text_that_names_an_address_shows_none_to_who_sees_none(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    seen: tuple[tuple[Role, bool], ...] = (("marketer", False), ("admin", True))
    for role, sees in seen:
        sign_in_as(role)
        app = by_sms(templates())
        area = labelled(app.text_area, "The file's text")
        changed = area.value.replace("Reply STOP", "{{ email | default('you') }}. Reply STOP")
        area.set_value(changed).run()
        labelled(app.text_input, "As").set_value("grace.1@example.com").run()
        assert ("grace.1@example.com. Reply STOP" in html_of(app)) == sees
        assert ("g•••@•••.com. Reply STOP" in html_of(app)) != sees


def test_what_is_wrong_is_told_by_line_and_never_saved(own_home: Path) -> None:
    app = by_sms(templates())
    before = file_of(own_home).read_text()
    area = labelled(app.text_area, "The file's text")
    area.set_value(before.replace("{{ company_name }}", "{{ shoe_size }}")).run()
    shown = html_of(app)
    assert "shoe_size" in shown
    assert "line " in shown
    labelled(app.button, "Save").click().run()
    assert file_of(own_home).read_text() == before


def test_of_two_editors_the_second_is_told_and_a_version_can_be_taken_back(own_home: Path) -> None:
    app = by_sms(templates())
    before = file_of(own_home).read_text()
    area = labelled(app.text_area, "The file's text")
    area.set_value(before.replace("Reply STOP", "Just reply STOP")).run()
    labelled(app.button, "Save").click().run()
    assert "Just reply STOP" in file_of(own_home).read_text()
    file_of(own_home).write_text(before)  # somebody else, meanwhile
    area = labelled(app.text_area, "The file's text")
    area.set_value(area.value.replace("Just reply", "Simply reply")).run()
    labelled(app.button, "Save").click().run()
    assert "was changed by somebody else" in html_of(app)
    assert "Simply" not in file_of(own_home).read_text()
    assert '<div class="r-removed">' in html_of(app)
    labelled(app.checkbox, "Yes, write this version back into its file").check().run()
    app.session_state["draft_win_back"] = "title: Not saved yet"  # the campaign of that name, being written
    labelled(app.button, "Take it back to this version").click().run()
    assert not app.exception
    assert "Just reply STOP" in file_of(own_home).read_text()
    assert "Just reply STOP" in labelled(app.text_area, "The file's text").value
    assert app.session_state["draft_win_back"] == "title: Not saved yet"


def test_a_mail_is_shown_in_a_frame_without_scripts_and_a_test_goes_to_colleagues(own_home: Path) -> None:
    app = templates()
    assert not app.exception
    (frame,) = app.get("iframe")
    assert 'sandbox=""' in frame.proto.srcdoc
    assert labelled(app.selectbox, "Send a test to").options == ["eva@example.com"]
    labelled(app.button, "Send the test").click().run()
    assert "The test is on its way" in html_of(app)
    with open_store(read_settings()) as store, store.read() as connection:
        (row,) = connection.execute(select(messages.c.address, messages.c.customer_id)).all()
        assert tuple(row) == ("eva@example.com", "colleague")


def test_a_viewer_reads_templates_and_sees_no_customer(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("viewer")
    app = templates()
    assert labelled(app.text_area, "The file's text").disabled
    assert "Save" not in [each.label for each in app.button]
    assert "your role does not see them" in html_of(app)


def test_changes_are_drawn_as_text() -> None:
    shown = drawn("--- a\n+++ b\n-<script>alert(1)</script>\n+<b>new</b>\n same")
    assert "<script>" not in shown
    assert '<div class="r-removed">-&lt;script&gt;' in shown
    assert '<div class="r-added">+&lt;b&gt;new' in shown


def test_pictures_of_ours_are_put_into_a_mail(home: Path, tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    settings.assets_dir.mkdir(parents=True)
    (settings.assets_dir / "abc.png").write_bytes(b"\x89PNG")
    html = self_contained(settings, f'<img src="{settings.public_url.rstrip("/")}/a/abc.png">')
    assert html == '<img src="data:image/png;base64,iVBORw==">'
