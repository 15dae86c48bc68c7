"""The company's look: a colour that can be read and a logo that is a picture and nothing else, kept with the name."""

import io
import random
import stat
import warnings
from datetime import datetime

import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from data_contracts.errors import RefusedError, SettingsError, UsageError
from messaging import audit, brand, logos
from messaging.assets import SERVED
from messaging.settings import Settings, read_settings
from messaging.store import Store

NOW = datetime.fromisoformat("2026-11-23T12:00")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100), **beside: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#1f4d45").save(made, kind, **beside)
    return made.getvalue()


def kept(settings: Settings) -> str:
    return (settings.home / "settings.env").read_text()


def test_a_colour_is_kept_with_the_name_seen_at_once_and_audited(settings: Settings, store: Store) -> None:
    path = settings.home / "settings.env"
    path.write_text("# ours\nRAPPORT_COMPANY_NAME='Harbour & Pine'\nSENDGRID_API_KEY=hush\n")
    path.chmod(0o640)
    began = read_settings(home=settings.home)
    assert brand.worn(began) == brand.Brand("Harbour & Pine", "", None)
    assert brand.save_colour(began, store, " 14606B ", actor="ada", now=NOW) == "#14606b"
    assert brand.worn(began).colour == "#14606b"  # of the process that began before, too
    assert read_settings(home=settings.home).company_colour == "#14606b"
    assert kept(settings).startswith("# ours\nRAPPORT_COMPANY_NAME='Harbour & Pine'\nSENDGRID_API_KEY=hush\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    brand.save_colour(began, store, "", actor="ada", now=NOW)
    after = read_settings(home=settings.home)
    assert brand.worn(after).colour == brand.worn(began).colour == ""
    with store.read() as connection:
        found = audit.newest(connection, 9, action="brand.save")
    assert [(each["actor"], each["subject"]) for each in found] == [("ada", "colour")] * 2
    assert "#14606b" in str(found)


def test_a_colour_that_cannot_be_read_is_refused_and_nothing_is_written(
    settings: Settings, store: Store
) -> None:
    with pytest.raises(UsageError, match=r"1\.04:1 with the background .*; #727200 is the nearest"):
        brand.save_colour(settings, store, "#ffff00", actor="ada", now=NOW)
    with pytest.raises(UsageError, match="'red; background: url"):
        brand.save_colour(settings, store, "red; background: url(//evil.example)", actor="ada", now=NOW)
    assert not (settings.home / "settings.env").exists()
    with store.read() as connection:
        assert not audit.newest(connection, 9, action="brand.save")


def test_settings_refuse_such_a_colour_and_a_logo_that_is_no_name_of_ours(settings: Settings) -> None:
    for wrong in (
        {"company_colour": "#ffff00"},
        {"company_colour": "teal"},
        {"company_logo": "../../etc/passwd"},
    ):
        with pytest.raises(SettingsError, match="RAPPORT_COMPANY_"):
            read_settings(home=settings.home, **wrong)
    assert read_settings(home=settings.home, company_colour="#046").company_colour == "#004466"


def test_what_the_environment_sets_is_changed_there(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_COMPANY_COLOUR", "#14606b")
    began = read_settings(home=settings.home)
    with pytest.raises(RefusedError, match="is set in the environment"):
        brand.save_colour(began, store, "#000000", actor="ada", now=NOW)
    (settings.home / "settings.env").write_text("RAPPORT_COMPANY_COLOUR='#000000'\n")
    assert brand.worn(began).colour == "#14606b"
    with store.read() as connection:
        assert not audit.newest(connection, 9, action="brand.save")


def test_what_somebody_writes_wrong_into_the_file_breaks_no_process_that_runs(settings: Settings) -> None:
    path = settings.home / "settings.env"
    path.write_text("RAPPORT_COMPANY_COLOUR='#14606b'\n")
    began = read_settings(home=settings.home)
    path.write_text("RAPPORT_COMPANY_COLOUR='</style>'\nRAPPORT_COMPANY_LOGO='../x.png'\n")
    assert brand.worn(began) == brand.Brand(began.company_name, "#14606b", None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_nothing_of_a_logos_file_stays_but_the_picture(kind: str, settings: Settings, store: Store) -> None:
    exif = Image.Exif()
    exif[0x010E] = "hush-words"  # ImageDescription
    exif.get_ifd(0x8825).update(
        {1: "N", 2: (51.0, 30.0, 1.5), 3: "W", 4: (0.0, 7.0, 2.0)}
    )  # where it was taken
    exif[0x0112] = 6  # it lies on its side
    beside: dict[str, object] = {
        "exif": exif,
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "hush-words")
        beside["pnginfo"] = texts
    else:
        beside["comment"] = b"hush-words"
    given = picture(kind, (50, 150), **beside) + b"<script>hush-words</script>"
    assert given.count(b"hush-words") >= 2
    name = brand.save_logo(settings, store, given, actor="ada", now=NOW)
    path = brand.worn(settings).logo
    assert path == settings.assets_dir / name
    assert SERVED.fullmatch(name)
    assert (settings.library_dir / "assets" / name).read_bytes() == path.read_bytes()
    assert b"hush" not in path.read_bytes()
    with Image.open(path) as shown:
        assert (shown.format, dict(shown.getexif())) == (kind, {})
        assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert shown.size == (150, 50)  # turned as its EXIF said


def test_a_logo_is_made_to_fit_and_transparency_stays() -> None:
    wide = Image.new("RGBA", (2000, 900), (0, 0, 0, 0))
    wide.paste((20, 96, 107, 255), (200, 300, 1800, 600))
    made = io.BytesIO()
    wide.save(made, "PNG")
    content, kind = logos.drawn_anew(made.getvalue())
    with Image.open(io.BytesIO(content)) as shown:
        assert (kind, shown.size, shown.mode) == ("png", (427, 80), "RGBA")  # without its empty margins


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (SVG, "neither a PNG nor a JPEG"),
        (b"\x89PNG\r\n\x1a\n" + SVG, "cannot be read|neither"),
        (picture("GIF"), "neither a PNG nor a JPEG"),
        (picture("WEBP"), "neither a PNG nor a JPEG"),
        (picture()[:-30], "cannot be read"),
        (b"", "neither a PNG nor a JPEG"),
        (b"\xff\xd8\xff" + b"0" * 200_000, "200,003 bytes; a logo may have 200,000"),
        (picture(size=(6000, 6000)), "6,000 by 6,000 pixels"),
        (picture(size=(1000, 10)), "too thin"),
        (picture(size=(8, 8)), "too thin"),
    ],
)
def test_what_is_no_logo_is_refused_by_what_is_in_it(content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        logos.drawn_anew(content)


def test_a_logo_that_nobody_could_see_is_refused() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (100, 40), (0, 0, 0, 0)).save(made, "PNG")
    with pytest.raises(UsageError, match="all of it is transparent"):
        logos.drawn_anew(made.getvalue())


def test_a_logo_is_taken_away_while_mails_of_before_keep_it_and_one_whose_file_is_gone_is_none(
    settings: Settings, store: Store
) -> None:
    name = brand.save_logo(settings, store, picture(), actor="ada", now=NOW)
    assert brand.worn(settings).in_mails("https://example.com/") == {
        "company_colour": brand.MAIL_COLOUR,
        "company_logo_url": f"https://example.com/a/{name}",
    }
    (settings.assets_dir / name).unlink()  # a home that was copied without it: the library has it
    assert brand.worn(settings).logo == settings.assets_dir / name
    assert brand.save_logo(settings, store, None, actor="ada", now=NOW) == ""
    assert brand.worn(settings).logo is None
    assert (settings.assets_dir / name).is_file()
    brand.save_logo(settings, store, picture(), actor="ada", now=NOW)
    for folder in (settings.assets_dir, settings.library_dir / "assets"):
        (folder / name).unlink()
    assert brand.worn(settings).logo is None


def test_a_file_that_may_not_be_written_is_told_and_nothing_is_audited(
    settings: Settings, store: Store
) -> None:
    (settings.home / "settings.env").mkdir()
    with pytest.raises(RefusedError, match=r"settings\.env cannot be written"):
        brand.save_colour(settings, store, "#14606b", actor="ada", now=NOW)
    with store.read() as connection:
        assert not audit.newest(connection, 9, action="brand.save")


@pytest.mark.parametrize("lies", range(1, 9))
def test_a_picture_is_set_upright_as_its_exif_says(lies: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = lies
    given = Image.new("RGB", (40, 30), "white")
    given.paste((200, 0, 0), (0, 0, 20, 10))
    made = io.BytesIO()
    given.save(made, "PNG", exif=exif)
    with (
        Image.open(io.BytesIO(made.getvalue())) as read,
        Image.open(io.BytesIO(logos.drawn_anew(made.getvalue())[0])) as ours,
    ):
        assert ours.convert("RGB").tobytes() == ImageOps.exif_transpose(read).tobytes()


def test_a_picture_that_is_damaged_anywhere_is_taken_or_refused_in_words() -> None:
    dice, exif = random.Random(8), Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 1.5)})
    whole = picture("JPEG", (60, 40), exif=exif)
    outcomes = {"taken": 0, "refused": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of EXIF that is cut off
        for _ in range(400):
            damaged = bytearray(whole)
            for _ in range(dice.choice((1, 3, 9))):
                damaged[dice.randrange(dice.choice((160, len(whole))))] = dice.randrange(256)
            try:
                logos.drawn_anew(bytes(damaged))
                outcomes["taken"] += 1
            except UsageError:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 20
