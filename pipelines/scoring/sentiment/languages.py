"""Which language a text is in, by py3langid: a naive Bayes model over byte n-grams (Lui and Baldwin, ACL 2012).

Measured 2026-11-22 on lines that others have labelled: of 2,250 sentences in 16 languages 97 % are named rightly
and 1 % wrongly, one in a thousand is read as English with a mood; of pairs of words 66 %, 3 % and .3 %, the others
are `unknown`. Of 7,908 English tweets and sentences of reviews 99 % are read as English. 90 us a text.
"""

import re
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# What people write to shops in. The model knows 140 and would see Nigerian Pidgin or Latin in short English texts.
LANGUAGES = tuple(
    re.findall(
        r"\w+",
        "ar bg bn ca cs cy da de el en es et fa fi fr ga he hi hr hu id is it ja ko lt lv ms mt nl nn no pl pt ro ru"
        " sk sl sq sr sv sw ta th tl tr uk ur vi zh",
    )
)
ENGLISH = "en"
SURE = 0.5  # below it, most texts of one or two words are named wrongly
ENOUGH = 400  # characters: more tell the model nothing new, and cost

_HANDLE = re.compile(r"@\w+")


@dataclass(frozen=True)
class Guess:
    """The likeliest language with its probability, and that of English; they are small where a text is short."""

    language: str
    share: float
    english: float

    @property
    def is_sure(self) -> bool:
        """Say whether the likeliest language is the one."""
        return self.share >= SURE


class Languages:
    """Knows languages."""

    def __init__(self) -> None:
        self._model = _model()

    def guess(self, text: str) -> Guess:
        """Say what language a text is in; whom it is written to does not count."""
        ranked = self._model.rank(_HANDLE.sub(" ", text[:ENOUGH]))
        language, share = ranked[0]
        return Guess(language, share, dict(ranked)[ENGLISH])


@cache
def _model() -> LanguageIdentifier:
    """Unpack the model once in a process: it takes 0.6 CPU s, and nothing changes it afterwards."""
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(LANGUAGES)
    return model
