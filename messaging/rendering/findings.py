"""What is wrong with a template, or could be better: the file, the line, a sentence, and what to do."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing about a template. `file` is its path in the library, `line` counts from 1; 0 is the file as a whole."""

    level: Level
    code: str
    file: str
    line: int
    sentence: str
    mend: str
