"""The page of settings: every part for whom it is for, colleagues and keys changed there, and no secret on it."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.door.gate import utc_now
from data_contracts.errors import RefusedError
from messaging import api_keys, audit, sign_ins, users
from messaging.access import Role
from messaging.brand import Brand, worn
from messaging.settings import read_settings
from messaging.store import open_store

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
HOSTILE = "<script>alert(1)</script> ![x](https://evil.example/x.png) =HYPERLINK(1)"
PARTS = ("Channels", "Quiet hours", "Capping", "Colleagues", "Brand", "Keys", "All settings")


@pytest.fixture
def own_home(company: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "own"
    shutil.copytree(company, copy)
    monkeypatch.setenv("RAPPORT_HOME", str(copy))
    monkeypatch.setenv("RAPPORT_COMPANY_NAME", HOSTILE)
    monkeypatch.setenv("RAPPORT_SMTP_URL", "smtp://us:hush-word@127.0.0.1:9")
    monkeypatch.setenv("RAPPORT_SANDBOX_URL", "http://127.0.0.1:9")
    with open_store(read_settings()) as store, store.write() as connection:
        users.invite(connection, HOSTILE, ["viewer"], "otto", utc_now())
    return copy


def page(tab: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.run()
    app.query_params["tab"] = tab
    return app.switch_page("pages/settings.py").run()


def html(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(str(block.proto.body) for block in app.get("html"))


def turned(app: AppTest, tab: str) -> str:
    (parts,) = [each for each in app.button_group if each.key == "settings_tab"]
    parts.set_value(tab)
    app.run()
    return html(app)


def test_an_admin_reads_every_part_of_the_settings_and_none_shows_a_secret_or_obeys_a_name(
    own_home: Path,
) -> None:
    app = page("Channels")
    seen = {"Channels": html(app)} | {tab: turned(app, tab) for tab in PARTS[1:]}
    for tab, shown in seen.items():
        assert "hush-word" not in shown, tab
        assert "<script" not in shown, tab
        assert "r-trouble" not in shown, tab
    assert "from +15005550006" in seen["Channels"]
    assert 'href="http://127.0.0.1:9"' in seen["Channels"]
    assert "Every day 09:00 to 20:00." in seen["Quiet hours"]
    assert "at most 3 messages in 1 day" in seen["Capping"]
    assert "&lt;script&gt;" in seen["Colleagues"]
    assert "Marketing mail has to show a postal address" in seen["Brand"]
    assert "There is no key yet" in seen["Keys"]
    assert "<code>RAPPORT_SMTP_URL</code></td><td>set</td><td>the environment" in seen["All settings"]


def test_an_admin_tests_a_channel_makes_a_key_and_invites_a_colleague_whose_link_is_shown_once(
    own_home: Path,
) -> None:
    app = page("Channels")
    app.button(key="set_test_sms").click().run()
    assert "The provider could not be reached." in html(app)
    turned(app, "Keys")
    app.text_input(key="set_key_name").input("web-shop")
    next(each for each in app.button if each.label == "Make a key").click().run()
    secret = app.code[0].value
    turned(app, "Colleagues")
    assert not app.code
    app.text_input(key="set_invite_name").input("Grace")
    app.multiselect(key="set_invite_roles").set_value(["agent"])
    next(each for each in app.button if each.label == "Invite").click().run()
    link = app.code[0].value
    with open_store(read_settings()) as store:
        with store.read() as connection:
            held = api_keys.holder(connection, secret)
            found = audit.newest(connection, 20)
        assert held is not None
        assert held.name == "web-shop"
        joined = users.join(store, link.partition("/join?link=")[2], "lamps-and-more-lamps", utc_now())
    assert (joined.name, joined.roles) == ("Grace", frozenset({"agent"}))
    assert {"channel.test", "keys.create", "user.invite"} <= {each["action"] for each in found}
    assert secret not in str(found)
    app.multiselect(key=f"set_roles_{joined.user_id}").set_value(["viewer", "privacy"])
    app.button(key=f"set_save_{joined.user_id}").click().run()
    assert "Grace is privacy and viewer now." in html(app)
    assert app.button(key=f"set_end_{joined.user_id}").disabled
    app.checkbox(key=f"set_sure_{joined.user_id}").check().run()
    app.button(key=f"set_end_{joined.user_id}").click().run()
    assert "Grace cannot sign in any more." in html(app)
    with open_store(read_settings()) as store, pytest.raises(RefusedError):
        sign_ins.sign_in(store, "Grace", "lamps-and-more-lamps", "127.0.0.1", utc_now())


def test_who_is_no_admin_is_offered_neither_accounts_nor_what_is_for_engineers(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("marketer")
    app = page("Channels")
    assert "Engineers can test" in html(app)
    assert not [each for each in app.button if each.label == "Test it"]
    shown = turned(app, "Colleagues")
    assert "Accounts are for admins" in shown
    assert "script" not in shown
    turned(app, "Keys")
    assert not [each for each in app.button if each.label in {"Make a key", "Revoke it now"}]
    sign_in_as("viewer")
    assert "A viewer may not" in html(page("Channels"))


def test_a_test_by_who_lost_the_role_while_the_page_was_open_is_refused_in_words(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    app = page("Channels")
    sign_in_as("marketer")
    app.button(key="set_test_sms").click().run()
    assert "may not test a channel&#x27;s connection" in html(app)
    with open_store(read_settings()) as store, store.read() as connection:
        assert not audit.newest(connection, 9, action="channel.test")


def test_a_marketer_sets_colour_and_logo_takes_the_shade_that_is_offered_and_sees_both_at_the_head_of_the_app(
    own_home: Path, sign_in_as: Callable[[Role], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []  # an AppTest keeps neither styles nor the logo, and of a page draws no header
    monkeypatch.setattr("dashboard.components.style.apply", drawn.append)
    monkeypatch.setattr("streamlit.logo", lambda image, **_: drawn.append(image))

    def header() -> list[str]:
        drawn.clear()
        AppTest.from_file(str(APP), default_timeout=60).run()
        return [Path(each).name for each in drawn]

    sign_in_as("marketer")
    app = page("Brand")
    assert "No colour of your own" in html(app)
    assert header() == ["", "logo.svg"]
    app.color_picker(key="set_colour").set_value("#f2a900").run()
    app.button(key="set_colour_save").click().run()
    assert "#f2a900 has a contrast of 1.78:1 with the background of mails" in html(app)
    app.button(key="set_colour_offer").click().run()
    assert "The colour is #926600 now." in html(app)
    assert app.color_picker(key="set_colour").value == "#926600"
    assert app.button(key="set_logo_save").disabled
    app.file_uploader(key="set_logo_file_0").upload(
        "logo.png", b"<svg><script>alert(1)</script></svg>", "image/png"
    )
    app.run()
    app.button(key="set_logo_save").click().run()
    assert "neither a PNG nor a JPEG, whatever its name says" in html(app)
    made = io.BytesIO()
    Image.new("RGB", (200, 60), "#926600").save(made, "PNG")
    app.file_uploader(key="set_logo_file_0").upload("no-picture.txt", made.getvalue(), "text/plain").run()
    app.button(key="set_logo_save").click().run()
    shown = html(app)
    assert "The logo is kept." in shown
    assert '<img src="data:image/png;base64,' in shown
    assert 'alt="&lt;script&gt;' in shown
    settings = read_settings()
    assert settings.company_colour == "#926600"
    assert worn(settings).logo == settings.assets_dir / settings.company_logo
    line, logo = header()
    assert "border-top: 4px solid #926600;" in line
    assert logo == settings.company_logo
    for key in ("set_logo_none", "set_colour_none"):
        app.button(key=key).click().run()
    assert worn(settings) == Brand(settings.company_name, "", None)
    assert header() == ["", "logo.svg"]
    with open_store(settings) as store, store.read() as connection:
        found = audit.newest(connection, 9, action="brand.save")
    assert [(each["actor"], each["subject"]) for each in reversed(found)] == [
        ("Demo marketer", "colour"), ("Demo marketer", "logo"), ("Demo marketer", "logo"), ("Demo marketer", "colour"),
    ]  # fmt: skip


def test_who_may_not_change_the_look_is_not_offered_to_and_cannot(
    own_home: Path, sign_in_as: Callable[[Role], None]
) -> None:
    sign_in_as("marketer")
    app = page("Brand")
    sign_in_as("engineer")
    app.button(key="set_colour_save").click().run()
    shown = html(app)
    assert "may not change the colour and the logo that readers see" in shown
    assert "Marketers and admins change them." in shown
    assert not [each for each in app.button if each.key == "set_colour_save"]
    assert read_settings().company_colour == ""
