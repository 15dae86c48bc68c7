"""How our HTML pages are drawn and written: no script, nothing fetched, light and dark."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def draw_page(template: str, **facts: Any) -> str:
    """Draw a page from a template of this folder. The filter `moment` writes a time in naive UTC out."""
    return _environment().get_template(template).render(**facts)


def write_whole(path: Path, text: str) -> None:
    """Write a page in the place of the one before: whoever opens it sees one of both, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def percent(share: float) -> str:
    """Write a share so that a small one is not nothing."""
    if not share:
        return "0%"
    if share < 0.0005:
        return "under 0.1%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["percent"] = percent
    environment.filters["share"] = lambda share: "all" if share == 1 else f"{100 * share:.0f}%"
    environment.filters["moment"] = lambda moment: f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    return environment
