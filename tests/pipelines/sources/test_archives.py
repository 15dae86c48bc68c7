"""Compressed files and archives: read as what is in them, bounded, and never trusted."""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data_contracts.errors import InputError
from pipelines.sources import archives
from pipelines.sources.archives import unpacked
from pipelines.sources.files import find_files

LINES = b"a,b\n1,2\n"
SUFFIXES = (".csv", ".json")
Open = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def opened() -> Open:
    """Unpack; gives each file's name and content."""

    def opening(path: Path, limit: int = 10) -> dict[str, bytes]:
        with unpacked(find_files(path, SUFFIXES), SUFFIXES, limit) as found:
            return {file.name: file.read_bytes() for file in found.files}

    return opening


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_compressed_file_is_read_as_what_is_in_it(
    tmp_path: Path, opened: Open, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"orders.csv{suffix}"
    path.write_bytes(pack(LINES))
    assert opened(path) == {"orders.csv": LINES}


def test_a_zip_is_a_folder_and_its_other_files_are_passed_over(tmp_path: Path, opened: Open) -> None:
    members = {
        "export/orders.csv": LINES,
        "export/customers.csv": b"c\n3\n",
        "readme.html": b"<p>",
        "__MACOSX/._orders.csv": b"junk",
        ".DS_Store": b"junk",
    }
    path = zipped(tmp_path / "export.zip", members)
    assert opened(path) == {"customers.csv": b"c\n3\n", "orders.csv": LINES}


def test_the_hash_is_that_of_the_file_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(LINES))
    assert find_files(path, SUFFIXES).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_vendors_folder_may_hold_what_systems_leave_behind(tmp_path: Path, opened: Open) -> None:
    folder = tmp_path / "export"
    (folder / "__MACOSX").mkdir(parents=True)
    (folder / "orders.csv").write_bytes(LINES)
    (folder / "older.csv.gz").write_bytes(gzip.compress(LINES))
    for clutter in (
        ".DS_Store",
        "._orders.csv",
        "Thumbs.db",
        "desktop.ini",
        "~$orders.csv",
        "__MACOSX/x.csv",
    ):
        (folder / clutter).write_bytes(b"")
    assert sorted(opened(folder)) == ["older.csv", "orders.csv"]


def test_what_was_unpacked_is_gone_afterwards(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", {"orders.csv": LINES})
    with unpacked(find_files(path, SUFFIXES), SUFFIXES, 10) as found:
        (inside,) = found.files
    assert not inside.exists()


def test_a_plain_file_is_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(LINES)
    with unpacked(find_files(path, SUFFIXES), SUFFIXES, 10) as found:
        assert found.files == (path,)


def test_a_refusal_names_the_file_as_it_came(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", {"orders.csv": LINES})
    with (
        pytest.raises(InputError) as caught,
        unpacked(find_files(path, SUFFIXES), SUFFIXES, 10) as found,
    ):
        raise InputError(f"The file {found.files[0]} is odd.", "Mend it.")
    assert caught.value.message == f"The file {path}/orders.csv is odd."


def bomb(size: int) -> bytes:
    return gzip.compress(b"0" * size)


def zipped_bytes() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("inner.csv", LINES)
    return whole.getvalue()


def twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", LINES)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", LINES)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flipped(content: bytes) -> bytes:
    place = len(content) - 8  # the checksum at the end
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


REFUSED = {
    "a zip in a zip": ("x.zip", lambda p: zipped(p, {"inner.zip": LINES}), "has another archive in it"),
    "a gzip in a zip": ("x.zip", lambda p: zipped(p, {"a.csv.gz": LINES}), "has another archive in it"),
    "a zip under the name of a csv": (
        "x.zip",
        lambda p: zipped(p, {"a.csv": zipped_bytes()}),
        "has another archive in it",
    ),
    "a tar in a gzip": ("x.tar.gz", lambda p: p.write_bytes(gzip.compress(LINES)), "has another archive"),
    "a gzip in a gzip": (
        "x.csv.gz",
        lambda p: p.write_bytes(gzip.compress(gzip.compress(LINES))),
        "has another archive",
    ),
    "another kind of archive": (
        "x.7z",
        lambda p: p.write_bytes(b"7z"),
        "is a .7z archive, which is not read",
    ),
    "a name that leads out": ("x.zip", lambda p: zipped(p, {"../../evil.csv": LINES}), "leads out of it"),
    "an absolute name": ("x.zip", lambda p: zipped(p, {"/tmp/evil.csv": LINES}), "leads out of it"),  # noqa: S108 - nothing is written there
    "a name of another system": ("x.zip", lambda p: zipped(p, {"C:\\evil.csv": LINES}), "leads out of it"),
    "the same name twice": ("x.zip", twice, "holds the name a.csv twice"),
    "nothing that fits": ("x.zip", lambda p: zipped(p, {"a.html": LINES}), "has no files that end in .csv"),
    "an empty file": ("x.zip", lambda p: zipped(p, {"a.csv": b""}), "a.csv in"),
    "too large": ("x.csv.gz", lambda p: p.write_bytes(bomb(11 << 20)), "unpacks to more than 10 MB"),
    "too large together": (
        "x.zip",
        lambda p: zipped(p, {"a.csv": b"0" * (6 << 20), "b.csv": b"0" * (6 << 20)}),
        "unpacks to more than 10 MB",
    ),
    "cut off": ("x.csv.gz", lambda p: p.write_bytes(gzip.compress(LINES)[:-6]), "is not whole"),
    "cut off zip": ("x.zip", lambda p: cut(zipped(p, {"a.csv": LINES})), "is not whole"),
    "a flipped bit": ("x.csv.gz", lambda p: p.write_bytes(flipped(gzip.compress(LINES))), "is not whole"),
    "cut off xz": ("x.csv.xz", lambda p: p.write_bytes(lzma.compress(LINES)[:-9]), "is not whole"),
    "cut off bz2": ("x.csv.bz2", lambda p: p.write_bytes(bz2.compress(LINES)[:-9]), "is not whole"),
    "no gzip at all": ("x.csv.gz", lambda p: p.write_bytes(LINES), "is not whole"),
    "no zip at all": ("x.zip", lambda p: p.write_bytes(LINES), "is not whole"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_unpacked_safely_and_whole_is_refused(tmp_path: Path, opened: Open, case: str) -> None:
    name, make, sentence = REFUSED[case]
    path = tmp_path / "in" / name
    path.parent.mkdir()
    make(path)
    with pytest.raises(InputError) as caught:
        opened(path)
    assert sentence in caught.value.message
    assert caught.value.mend
    assert "\n" not in str(caught.value)
    assert [item.name for item in tmp_path.iterdir()] == ["in"]  # nothing was written anywhere else


def test_a_locked_zip_is_refused(tmp_path: Path, opened: Open) -> None:
    path = zipped(tmp_path / "x.zip", {"a.csv": LINES}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1  # the bit that says: encrypted
    path.write_bytes(content)
    with pytest.raises(InputError, match="is locked with a password"):
        opened(path)


def test_what_shrank_as_only_a_bomb_does_is_refused_below_the_limit_too(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1 << 20)
    path = tmp_path / "x.csv.gz"
    path.write_bytes(bomb(8 << 20))
    with pytest.raises(InputError, match="more than 600 times its size, as a bomb does"):
        opened(path)
