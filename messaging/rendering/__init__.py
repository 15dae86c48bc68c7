"""What we say: templates in a bounded language, rendered once for each customer."""

from messaging.rendering.templates import (
    Compiled,
    NotRenderableError,
    Rendered,
    Template,
    build_context,
    choose_language,
    read_template,
)
from messaging.rendering.tracked import track

__all__ = [
    "Compiled",
    "NotRenderableError",
    "Rendered",
    "Template",
    "build_context",
    "choose_language",
    "read_template",
    "track",
]
