"""JSON as vendors write it and as it breaks: strict where something would be lost, and bounded where it is long."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import InputError
from pipelines.sources import documents
from pipelines.sources.documents import LongList, find_records, read_document

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writing(content: str | bytes, name: str = "x.json") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writing


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file count as a long one."""
    monkeypatch.setattr(documents, "HELD_WHOLE", 0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1}{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n\n{\n "a": 2}', [{"a": 1}, {"a": 2}]),
        ('\ufeff[{"a": 1}]', [{"a": 1}]),
        ('{"a": 19.90, "b": NaN, "c": -Infinity}', {"a": "19.90", "b": "NaN", "c": "-Infinity"}),
        ('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        ('{"a": "\\ud83d\\ude00 \\u05d0"}', {"a": "😀 א"}),
    ],
    ids=["one behind another", "over several lines", "a mark", "numbers", "a huge number", "escapes"],
)
def test_json_that_is_odd_and_whole_is_read(write: Write, content: str, expected: Any) -> None:
    assert read_document(write(content)) == expected


BROKEN = {
    "garbage at the end": ('[{"a": 1}] and so on', "line 1, column 12"),
    "garbage between": ('{"a": 1}, {"a": 2}', "line 1, column 9"),
    "cut off": ('[{"a": 1}', "breaks at"),
    "nested too deep": ("[" * 100_000, "breaks at its depth"),
    "a number without end": ('{"a": ' + "1" * 5000 + "}", "a number of thousands of digits"),
    "a key twice": ('{"a": {"b": 1, "b": 2}}', "names a key twice"),
    "another encoding": ('{"a": "é"}'.encode("cp1252"), "byte 8 is not UTF-8"),
    "half a sign": ('["é'.encode()[:-1], "byte 3 is not UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_json_in_which_something_would_be_lost_is_refused(write: Write, case: str) -> None:
    content, sentence = BROKEN[case]
    with pytest.raises(InputError, match=sentence) as caught:
        read_document(write(content))
    assert caught.value.mend
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@pytest.mark.parametrize("items", [0, 1, 3, 5000])
def test_a_long_file_gives_the_same_items_as_a_short_one(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, items: int
) -> None:
    rows = [{"number": place, "text": f'é ] , "{place}" ' * 20, "price": "1.50"} for place in range(items)]
    content = json.dumps(rows) if name == "x.json" else "\n".join(map(json.dumps, rows))
    path = write(content or " ", name)
    whole = read_document(path)
    monkeypatch.setattr(documents, "HELD_WHOLE", 0)
    walked = read_document(path)
    assert isinstance(walked, LongList)
    assert list(walked) == whole == rows
    assert (len(walked), bool(walked)) == (items, items > 0)
    assert [record.get("number") for record in find_records(walked, "[]")] == [str(i) for i in range(items)]


@pytest.mark.usefixtures("long")
def test_numbers_that_reach_over_the_end_of_a_piece_stay_whole(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.sources import json_text

    numbers = [10**place for place in range(30)]
    path = write(json.dumps(numbers))
    for chunk in range(1, 12):
        monkeypatch.setattr(json_text, "CHUNK", chunk)
        assert list(json_text.stream_items(path)) == numbers


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("case", sorted(set(BROKEN) - {"garbage between"}))
def test_a_long_list_that_breaks_is_refused_when_it_is_walked(write: Write, case: str) -> None:
    content, _ = BROKEN[case]
    inside = content if isinstance(content, bytes) else content.encode()
    listed = inside if inside.startswith(b"[") else b"[" + inside + b"]"
    with pytest.raises(InputError):
        list(read_document(write(listed)))


@pytest.mark.usefixtures("long")
def test_a_long_list_says_which_item_breaks_it(write: Write) -> None:
    with pytest.raises(InputError, match="breaks at item 3"):
        list(read_document(write('[{"a": 1}, {"a": 2}, {"a": }]')))
    with pytest.raises(InputError, match="breaks at item 2"):
        list(read_document(write('{"a": 1}\n{"a"\n', "x.jsonl")))


def test_an_object_that_would_fill_the_memory_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "HELD_WHOLE", 0)
    monkeypatch.setattr(documents, "LONGEST_OBJECT", 3)
    with pytest.raises(InputError, match=r"would fill the memory\. Export it as JSON Lines"):
        read_document(write('{"orders": []}'))


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_walking_a_long_file_takes_little_memory(write: Write, name: str) -> None:
    row = json.dumps({"id": 1, "lines": [{"sku": "A", "price": 19.9}] * 3, "note": "x" * 200})
    many = [row] * 120_000
    path = write(f"[{','.join(many)}]" if name == "x.json" else "\n".join(many), name)
    assert path.stat().st_size > documents.HELD_WHOLE
    del many
    tracemalloc.start()
    assert len(read_document(path)) == 120_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
