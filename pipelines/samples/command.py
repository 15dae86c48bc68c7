"""`rapport sample`: make the sample company's files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import UsageError
from data_contracts.sentences import counted
from messaging.terminal import emit, progress, say

if TYPE_CHECKING:
    from pipelines.samples.shapes import WrittenFile

# fewer have no text message or chat among them; the files of more no longer fit into memory at once
FEWEST_PEOPLE, MOST_PEOPLE = 100, 200_000
MARKER = Path("truth") / "effects.json"

app = typer.Typer()


@app.command("sample")
def sample_command(
    people: Annotated[int, typer.Option(help="How many customers the company has.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    out: Annotated[Path, typer.Option(help="The folder to write into; it is made.")] = Path("sample"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Make the sample company: every source in its vendor's own shape, and the truth apart from them."""
    sample(people, seed, out, as_json=as_json)


def sample(people: int, seed: int, out: Path, *, as_json: bool) -> None:
    """Make the company's files in `out` and print what they are.

    Raises UsageError for a size or seed that makes no sense, and for a folder that holds something else.
    """
    _check(people, seed, out)
    from pipelines.samples.shapes import write_company
    from pipelines.samples.truth import write_truth
    from pipelines.samples.world import make_world

    with progress("Making the sample company", total=3) as advance:
        world = make_world(people, seed)
        advance(1)
        files = write_company(world, out)
        advance(1)
        write_truth(world, out / "truth")
        advance(1)
    document = {
        "people": people,
        "seed": seed,
        "out": out,
        "rows": world.rows,
        "files": [_described(file) for file in files],
        "truth": out / "truth",
    }
    emit(document, as_json=as_json, human=lambda: _tell(document))


def _check(people: int, seed: int, out: Path) -> None:
    if not FEWEST_PEOPLE <= people <= MOST_PEOPLE:
        raise UsageError(
            f"--people is {people}.", f"It should lie between {FEWEST_PEOPLE} and {MOST_PEOPLE}."
        )
    if seed < 0:
        raise UsageError(f"--seed is {seed}.", "It should be 0 or more.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file.", "Name a folder.")
    if out.exists() and any(out.iterdir()) and not _is_a_sample(out):
        raise UsageError(f"--out {out} holds files that are no sample.", "Name an empty or a new folder.")


def _is_a_sample(out: Path) -> bool:
    """Tell whether a folder holds an earlier sample, which may be written over."""
    try:
        return "buying_model" in json.loads((out / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _described(file: "WrittenFile") -> dict[str, Any]:
    return {
        "path": file.path,
        "records": file.records,
        "broken": file.broken,
        "about": file.about,
        "command": file.command,
    }


def _tell(document: dict[str, Any]) -> None:
    people, seed, out = document["people"], document["seed"], document["out"]
    total = sum(document["rows"].values())
    say(
        f"[bold]Harbour & Pine[/bold]: {counted(people, 'person', 'people')}, {counted(total, 'record')}, seed {seed}"
    )
    for file in document["files"]:
        say(f"  {file['records']:>9,}  {file['path'].name:<24} {file['about']}")
    say(f"The truth lies in {document['truth']}. What to do with each file: {out / 'README.md'}")
