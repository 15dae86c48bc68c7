"""What a provider's error code means for us, as data: `codes.yaml` (Twilio) and `sendgrid_codes.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

CODES_FILE = Path(__file__).with_name("codes.yaml")
SENDGRID_CODES_FILE = Path(__file__).with_name("sendgrid_codes.yaml")


@dataclass(frozen=True)
class CodeRule:
    """What follows from one code. `attempts` is how often a message may be tried in all."""

    kind: Literal["stop", "fix", "retry"]
    sentence: str
    mend: str = ""
    attempts: int = 1
    opt_out: bool = False  # the customer's own word, not only an address that does not work
    stop_again: bool = False  # it closes the address where it came for it before
    about: Literal["message", "us"] = (
        "message"  # us: the account or a setting, so that every message is refused
    )

    @property
    def told(self) -> str:
        """Give the sentence with what to do about it."""
        return f"{self.sentence} {self.mend}".strip()


UNLISTED = CodeRule("fix", "The provider refused the message with a code that we do not know.", "Look it up.")


@cache
def read_codes(file: Path = CODES_FILE) -> dict[int, CodeRule]:
    """Read a table of codes; Twilio's, unless another is named."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {int(code): CodeRule(**rule) for code, rule in document["codes"].items()}


def rule_for(code: int) -> CodeRule:
    """Give what follows from one of Twilio's codes."""
    return read_codes().get(code, UNLISTED)
