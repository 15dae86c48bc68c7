"""The text of a CSV file before DuckDB reads it: whole, in a known encoding, with one kind of line end, its columns named.

What is not yet so is written anew beside it: DuckDB reads UTF-8 with one kind of line end (2.0 refuses mixed ones).
"""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from data_contracts.errors import InputError
from pipelines.sources.encodings import guess_encoding, marked_encoding

DELIMITERS = ",;\t|"
QUOTE = '"'
SPACES = "spaces"  # as a delimiter: columns set apart by blanks, however many
OURS = {"rapport_position", "rapport_record"}  # columns that we add ourselves
CHUNK = 1 << 20
HEADER = 1 << 24  # a first line longer than 16 MB is none
PLAIN = {"utf-8", "utf-8-sig"}


@dataclass(frozen=True)
class Text:
    """A text file that was looked through: its encoding and how its lines end."""

    encoding: str
    line_ends: frozenset[str]

    @property
    def plain(self) -> bool:
        """Say whether DuckDB can read it as it is."""
        return self.encoding in PLAIN and len(self.line_ends) <= 1


def check_text(path: Path, encoding: str) -> Text:
    """Look a text file through. A mark at its beginning tells its encoding, else `encoding` does.

    Refuses what is no text in that encoding, and a text that does not end with a line break: about half of the CSV files
    that are cut at a random place read without an error (measured 2026-11-21), so the final line break is what tells a
    whole file.
    """
    encoding = marked_encoding(path) or codecs.lookup(encoding).name
    ends: set[str] = set()
    last = ""
    for text in _texts(path, encoding):
        if "\x00" in text:
            raise _no_text(path, "it holds zero bytes")
        ends |= _line_ends(last[-1:] + text if last.endswith("\r") else text)
        last = text
    ends |= {"\r"} if last.endswith("\r") else set()
    if last[-1:] not in {"\n", "\r"}:
        raise InputError(
            f"The file {path} does not end with a line break, so its last row may be cut off.",
            "Export it again, or say --complete if you know that it is whole.",
        )
    return Text(encoding, frozenset(ends))


@contextmanager
def plain_text(path: Path, text: Text, delimiter: str = "", quote: str = QUOTE) -> Iterator[Path]:
    """Give a file that DuckDB can read, for as long as the block runs; blanks between columns become one tab.

    Without a `quote`, a line end always ends a row.
    """
    if text.plain and delimiter != SPACES:
        yield path
        return
    with TemporaryDirectory() as folder:
        recoded = Path(folder) / "recoded.csv"
        with recoded.open("w", encoding="utf-8", newline="") as target:
            for piece in _one_line_end(_texts(path, text.encoding), quote):
                target.write(piece)
        if delimiter == SPACES:
            recoded = _set_apart(recoded)
        yield recoded


def _set_apart(path: Path) -> Path:
    apart = path.with_name("apart.tsv")
    with (
        path.open(encoding="utf-8", newline="") as source,
        apart.open("w", encoding="utf-8", newline="") as target,
    ):
        for line in source:
            target.write("\t".join(line.split()) + "\n")
    return apart


def read_header(path: Path, delimiter: str = "", quote: str = QUOTE) -> tuple[list[str], str]:
    """Read the column names of a plain text and the sign between them; `delimiter` says it where it is known.

    Columns that share a name are told apart as `Mail (1)` and `Mail (2)`, whatever their case; one without a name is
    called after its place: `column 3`.
    """
    first = _first_line(path, quote)
    if "\x00" in first:
        raise _no_text(path, "it holds zero bytes")
    csv.field_size_limit(HEADER)
    try:
        sign = delimiter or max(DELIMITERS, key=lambda mark: len(_cells(first, mark, quote)))
        cells = _cells(first, sign, quote)
    except csv.Error as error:
        raise InputError(
            f"The first line of {path} is no list of column names ({error}).", "Export it again."
        ) from None
    if not any(cells):
        raise InputError(
            f"The first line of {path} is empty.", "The first line has to name each column once."
        )
    return distinct_names(cells), sign


def distinct_names(cells: list[str]) -> list[str]:
    """Give each column a name of its own; DuckDB tells names apart by their letters and not by their case."""
    names = [cell or f"column {place}" for place, cell in enumerate(cells, start=1)]
    names = [f"{cell} (theirs)" if cell.casefold() in OURS else cell for cell in names]
    folded = [cell.casefold() for cell in names]
    seen: dict[str, int] = {}
    found = []
    for cell, key in zip(names, folded, strict=True):
        seen[key] = seen.get(key, 0) + 1
        found.append(f"{cell} ({seen[key]})" if folded.count(key) > 1 else cell)
    return found


def _first_line(path: Path, quote: str) -> str:
    """Read the first line, and those after it that a quoted name runs into."""
    first = ""
    with path.open(encoding="utf-8-sig", newline="") as file:
        while line := file.readline(HEADER):
            first += line
            if not quote or first.count(quote) % 2 == 0 or len(first) > HEADER:
                break
    return first


def _cells(line: str, mark: str, quote: str) -> list[str]:
    rows = csv.reader(
        StringIO(line, newline=""), delimiter=mark, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    )
    return [cell.strip() for cell in next(rows, [])]


def _texts(path: Path, encoding: str) -> Iterator[str]:
    """Give the text of a file in pieces. Raises InputError where it is not in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # the decoder may hold back the beginning of a sign, so that its place may lie before this chunk
                raise _other_encoding(
                    path, encoding, max(done + error.start + 1 - _held(decoder), 1)
                ) from None
            if text:
                yield text
            if not chunk:
                return
            done += len(chunk)


def _held(decoder: codecs.IncrementalDecoder) -> int:
    held = decoder.getstate()[0]
    return len(held) if isinstance(held, bytes) else 0


def _line_ends(text: str) -> set[str]:
    """Name the line ends of a text; a carriage return at its end may be half of one and is left to the next piece."""
    windows = text.count("\r\n")
    ends = {"\r\n"} if windows else set()
    if text.count("\n") > windows:
        ends.add("\n")
    if text.count("\r") - text.endswith("\r") > windows:
        ends.add("\r")
    return ends


def _one_line_end(texts: Iterator[str], quote: str) -> Iterator[str]:
    """Write every line end outside of quotation marks as a line feed; those in a cell stay as they are."""
    quoted, held = False, ""
    for text in texts:
        whole = held + text
        held = "\r" if whole.endswith("\r") else ""
        pieces = whole.removesuffix(held).split(quote) if quote else [whole.removesuffix(held)]
        for place, piece in enumerate(pieces):
            inside = quoted ^ (place % 2 == 1)
            pieces[place] = piece if inside else piece.replace("\r\n", "\n").replace("\r", "\n")
        quoted ^= len(pieces) % 2 == 0
        yield quote.join(pieces)
    yield "\n" if held and not quoted else held


def _other_encoding(path: Path, encoding: str, place: int) -> InputError:
    guess = guess_encoding(path)
    if not guess or guess == encoding:
        return InputError(
            f"The file {path} is not {encoding} text: byte {place} does not fit.",
            "Is it another kind of file? State its encoding in the mapping file (format: {encoding: cp1252}),"
            " or export it as UTF-8.",
        )
    return InputError(
        f"The file {path} is not {encoding} text: byte {place} does not fit. It looks like {guess}.",
        f"State that in the mapping file (format: {{encoding: {guess}}}), or export it as UTF-8.",
    )


def _no_text(path: Path, why: str) -> InputError:
    guess = guess_encoding(path)
    if guess.startswith("utf-16"):
        return InputError(
            f"The file {path} looks like {guess} without its mark.",
            f"State that in the mapping file (format: {{encoding: {guess}}}), or export it as UTF-8.",
        )
    return InputError(f"The file {path} is no text: {why}.", "Is it another kind of file?")
