"""What somebody wrote, made ready to be read by rules: their own new words, in one spelling, cut into sentences.

Pure. A sentence is its words in lower case without accents, each followed by one space, with commas as words of their
own: "Merci de ne plus m'envoyer de SMS !" is `merci de ne plus m envoyer de sms `.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from itertools import takewhile

LONGEST = 2000  # characters that are read; an opt-out comes early, and nobody shall make us read for seconds
MOST_QUOTED = 3  # words in quotation marks; more of them are somebody else's sentence, most often ours
_QUOTED_LINE = re.compile(r"^\s{0,3}>")
_ENDS_NEW_TEXT = re.compile(  # from such a line on everything is an older mail, or a signature
    r"^(-- ?|__+|-{5,}|-{2,}+[^-](?:.{0,58}[^-])?-{2,})$"
    r"|^(On|Am|Le|El|Il|Op|Em|W dniu|Dnia) .{4,200}"
    r"(wrote|schrieb.*|a écrit|escribió|ha scritto|schreef.*|escreveu|napisał\(?a?\)?) ?:$"
    r"|^(From|Von|De|Da|Van|Od): .*@",
    re.IGNORECASE,
)
_QUOTATION = re.compile(
    r"[\"\u201c\u201d\u201e\u00ab\u00bb]([^\"\u201c\u201d\u201e\u00ab\u00bb]*)[\"\u201c\u201d\u00bb\u00ab]"
)
_POINT = re.compile(
    r"\b(art|abs|gem|par|nr|ul|mr|mrs|dr|sr|sra|pkt|ggf|bzw|sig|dott)\.\s?"
)  # it ends no sentence
_EMAIL = re.compile(r"\be[- ]mail")
_WITH = (re.compile(r"\bw/o\b"), re.compile(r"\bw/"))
_SWORN = re.compile(r"\bf+u?[*#@$!\u2022]{2,}k?")  # f***
_STRESSED = re.compile(r"(?<![^\s.!?])(?:[a-z]+\.\s{0,2}){2,}[a-z]+(?=[.!]|$)")  # Leave. Me. Alone.
_LINK = re.compile(r"\bhttps?://\S+|\bwww\.\S+")
_TOKEN = re.compile(r"\S+")
_DOMAIN_END = re.compile(r"\.\w+")
_AN_ADDRESS = " anaddress "  # so the rules call it, whoever's it is
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"})
_CONTRACTED = re.compile(r"(?<=[a-z])'(?=(t|s|re|ll|ve|d|m)\b)")  # don't is one word; l'arrêt are two
_SPELT = re.compile(r"(?<![a-z0-9])(?:[a-z][ .\-*_]){3,}[a-z](?![a-z0-9])")  # S T O P
_END = re.compile(
    r"[.!?;:\n\u2026()\[\]\u2013\u2014]+|[^\w\s,'&$@-]+"
)  # of a sentence: also a picture in the text
_WORD = re.compile(r"[^\W_]+|,")
_RUN = re.compile(r"([a-z])\1{2,}")
_DIGITS = str.maketrans("0134578$@", "oieastbsa")  # st0p
_CLOSE_FROM = 7  # letters of a word that may be misspelt; of a shorter one too many others are a letter away


class Spelling:
    """How the words of some rules may be written: short forms, and those that are often misspelt.

    `known` is every word that rules ask for; `meant` gives what stands for another word or words.
    """

    def __init__(self, known: Collection[str], meant: Mapping[str, str], misspelt: Collection[str]) -> None:
        self._known = frozenset(known)
        self._meant = meant
        self._misspelt = tuple(misspelt)

    def of(self, word: str) -> str:
        """Give a word as the rules write it: "pls" is please, "stoppp" and "st0p" are stop, "unsuscribe" too is known."""
        if word in self._meant:
            return self._meant[word]
        if word in self._known or word.isdigit() or word == ",":
            return word
        return self._other(word)

    def joined(self, letters: str) -> str:
        """Give the word that was spelt letter by letter, where it is one that rules ask for."""
        word = "".join(each for each in letters if each.isalpha())
        return word if word in self._known else letters

    def _other(self, word: str) -> str:
        evened = _RUN.sub(r"\1", word)
        tries = [f"{word}g"] if word.endswith("in") else []  # textin
        tries += [evened, _RUN.sub(r"\1\1", word), _RUN.sub(r"\1", word.translate(_DIGITS))]
        for each in tries:
            if each in self._meant:
                return self._meant[each]
            if each in self._known:
                return each
        return next((right for right in self._misspelt if _is_slip(evened, right)), evened)


def sentences(text: str, spelling: Spelling) -> list[str]:
    """Cut what somebody newly wrote into sentences of words, as rules read them."""
    new = _new_lines(text[:LONGEST])
    quoted = _QUOTATION.sub(
        lambda found: " " if len(found[1].split()) > MOST_QUOTED else f" {found[1]} ", new
    )
    plain = _in_full(_plain(_TOKEN.sub(_without_address, _LINK.sub(" ", quoted))))
    plain = _SPELT.sub(lambda found: spelling.joined(found[0]), plain)
    told = (" ".join(map(spelling.of, _WORD.findall(each))) for each in _END.split(plain))
    return [f"{each} " for each in told if each.strip(" ,")]


def _without_address(token: re.Match[str]) -> str:
    """Give what stands there in place of an e-mail address, with the signs behind it; anything else as it is.

    By its places and not by one expression, which takes a minute for a thousand @.
    """
    text = token[0]
    at = text.find("@", 1)
    ends = [each.span() for each in _DOMAIN_END.finditer(text)] if at > 0 else []
    if not ends or ends[-1][0] < at + 2:
        return text
    return _AN_ADDRESS + text[ends[-1][1] :]


def _plain(text: str) -> str:
    """Give a text in lower case without accents, with one kind of apostrophe and no invisible characters."""
    folded = unicodedata.normalize(
        "NFKD", unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    )
    kept = "".join(each for each in folded if unicodedata.category(each) not in {"Mn", "Cf"})
    return _CONTRACTED.sub("", kept.translate(_LETTERS))


def new_words(text: str) -> str:
    """Give what somebody newly wrote, without what they quote and without a signature; all of it where nothing is new."""
    return _new_lines(text).strip() or text.strip()


def _in_full(text: str) -> str:
    """Write out what signs would cut a sentence at: "art. 21", "w/o", "f***"."""
    without, with_ = _WITH
    written = with_.sub("with ", without.sub("without", _POINT.sub(r"\1 ", _EMAIL.sub("email", text))))
    return _STRESSED.sub(lambda found: found[0].replace(".", " "), _SWORN.sub("fuck", written))


def words(text: str) -> list[str]:
    """Give the words of what somebody newly wrote, as they spelt them, in lower case without accents."""
    return [each for each in _WORD.findall(_plain(_new_lines(text[:LONGEST]))) if each != ","]


def _new_lines(text: str) -> str:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    written = takewhile(lambda line: not _ENDS_NEW_TEXT.match(line.strip()), lines)
    return "\n".join(line for line in written if not _QUOTED_LINE.match(line))


def _is_slip(word: str, right: str) -> bool:
    """Say whether a word is another with a letter or two wrong, gone, added or swapped with its neighbour."""
    from rapidfuzz.distance import OSA

    if len(word) < _CLOSE_FROM or word[0] != right[0]:
        return False
    return OSA.distance(word, right) <= (2 if len(right) >= 10 else 1)
