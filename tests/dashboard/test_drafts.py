"""What was written and not saved: it is there again in the next session of whoever wrote it, and in nobody else's."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from messaging.campaigns import fill_library
from messaging.settings import read_settings
from tests.dashboard.conftest import come_in

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    fill_library(read_settings())
    return copy


def visit(page: str, **query: str) -> AppTest:
    """Open a page as a link or a reload does: in a session of its own."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(f"pages/{page}.py").run()  # which runs the page alone, without the app's frame
    assert not app.exception
    return app


def leave(app: AppTest) -> None:
    """Go to another page, whose run finds what was typed on this one."""
    app.switch_page("app.py").run()
    assert not app.exception


def campaign() -> AppTest:
    return visit("campaigns", campaign="win_back", tab="Edit")


def html_of(app: AppTest) -> str:
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def the_text(app: AppTest) -> Any:
    return next(each for each in app.text_area if each.label == "The file's text")


def press(app: AppTest, label: str) -> None:
    next(each for each in app.button if each.label == label).click().run()


def test_a_campaigns_text_outlives_its_session_until_it_is_saved(own_home: Path) -> None:
    app = campaign()
    changed = the_text(app).value + "# wait for Ana\n"
    the_text(app).set_value(changed).run()
    assert "Changed, not saved" in html_of(app)
    leave(app)
    assert r"Go on with Win back\, which is not saved" in [each.label for each in visit("campaigns").button]
    again = campaign()
    assert the_text(again).value == changed
    press(again, "Save")
    leave(again)
    assert "# wait for Ana" in (own_home / "library" / "campaigns" / "win_back.yaml").read_text()
    assert not [each.label for each in visit("campaigns").button if each.label.startswith("Go on with")]
    assert "Changed, not saved" not in html_of(campaign())


def test_what_another_saved_meanwhile_is_not_written_over_by_a_draft_of_before(own_home: Path) -> None:
    app = campaign()
    the_text(app).set_value(the_text(app).value + "# mine\n").run()
    leave(app)
    path = own_home / "library" / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + "# theirs\n")
    again = campaign()
    press(again, "Save")
    assert "was changed by somebody else" in html_of(again)
    assert "# mine" not in path.read_text()
    assert the_text(again).value.endswith("# mine\n")


def test_a_colleague_finds_nothing_of_anothers_draft(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = campaign()
    the_text(app).set_value(the_text(app).value + "# a secret of the admin's\n").run()
    leave(app)
    come_in(monkeypatch, "marketer")
    assert "a secret" not in the_text(campaign()).value
    come_in(monkeypatch, "admin")
    assert "a secret" in the_text(campaign()).value


def test_what_is_typed_when_the_session_ends_is_there_after_the_next_sign_in(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = campaign()
    monkeypatch.setattr("dashboard.session.token", lambda: "ended")
    the_text(app).set_value(the_text(app).value + "# typed too late\n").run()
    assert "Your session has ended" in html_of(app)
    leave(app)
    come_in(monkeypatch, "admin")
    assert "# typed too late" in the_text(campaign()).value


def test_a_templates_text_is_kept_and_one_that_is_read_again_is_not(own_home: Path) -> None:
    app = visit("templates", template="win_back")
    before = the_text(app).value
    the_text(app).set_value(before + "<p>More</p>").run()
    leave(app)
    again = visit("templates", template="win_back")
    assert the_text(again).value != before
    press(again, "Read the file again")
    leave(again)
    assert the_text(visit("templates", template="win_back")).value == before


def test_a_segment_that_is_begun_is_gone_on_with_and_one_that_is_dropped_is_not(own_home: Path) -> None:
    app = visit("segments")
    app.text_input(key="seg_new_title").set_value("Win back")  # a campaign has this name, too
    press(app, "Begin")
    leave(app)
    campaign()
    again = visit("segments")
    press(again, r"Go on with win\_back")
    assert again.query_params["segment"] in ("win_back", ["win_back"])
    press(again, "Undo my changes")
    leave(again)
    assert not [each.label for each in visit("segments").button if each.label.startswith("Go on with")]
