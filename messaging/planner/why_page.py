"""Why somebody got a message, as one page: no script, nothing fetched, light and dark."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from messaging.planner.evidence import Why

PAGE = "why.html"


def draw_why(why: Why) -> str:
    """Draw the page; whatever people wrote is text in it."""
    return _template().render(why=why)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(PAGE)
