"""Texts that are written to take long: twice the text is about twice the work, up to the longest that the receiver reads."""

import time
from collections.abc import Callable

import pytest

from messaging.inbox import new_words
from messaging.inbox.keywords import keyword_of
from messaging.inbox.opt_outs import read_opt_out
from messaging.inbox.opt_outs.reading import languages
from messaging.inbox.written import LONGEST, sentences
from messaging.webhooks.inbound_mail import LONGEST as LONGEST_MAIL
from messaging.webhooks.mail_pages import text_of

WORTH_TIMING = 0.004  # seconds of CPU: of less, a ratio tells of the clock
AGAIN = 4  # times that a growth which was too much is measured again
MOST = 3.0  # times the work of half the text: linear is 2, quadratic 4, cubic 8
HOSTILE = [
    "@", "a@", "@.", "a@a.", "a.", "a. ", "a ", "a", " ", "\t", "\n", " \n", "-", "-a", "- ", "--a", "_", "__ ", "'", "a'", "'t ",
    '"', '" ', "\u201ca", "> ", "On a wrote:", "On schrieb ", "From: @", "f*", "s t o p ", "s.t.o.p.", "w/", "art. ",
    "http://", "www.", "i dont ", "do not never ", "stop ", "dont want to ", "x , ", "remove me from ", "\u0301", "\u202e",
    "0", "st0p", "unsuscribe ", "no more of your ", "please take my number off of ", "ya no quiero ", "ne plus ",
]  # fmt: skip


def cpu(work: Callable[[], object]) -> float:
    """Give the least CPU seconds of a few tries, which a busy machine disturbs least."""
    least = float("inf")
    for _ in range(4):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least


def growths(read: Callable[[str], object], token: str, most: int) -> list[float]:
    """Give how much more work each doubling of a text was, from a few hundred characters on, while it stays bearable.

    One that was too much is measured again: others work on the machine, and what grows too fast does so each time.
    """

    def work(size: int) -> float:
        text = (token * (size // len(token) + 1))[: size - 1] + "!"
        return cpu(lambda: read(text))

    found, before, size = [], 0.0, min(250, most // 4)
    while size <= most:
        now = work(size)
        if before > WORTH_TIMING:
            growth = now / before
            for _ in range(AGAIN):
                if growth > MOST:
                    growth = min(growth, work(size) / work(size // 2))
            found.append(growth)
            if growth > MOST:
                break
        before, size = now, size * 2
    return found


@pytest.mark.parametrize("token", HOSTILE)
@pytest.mark.parametrize("beginning", ["", "On ", "-- a"])
def test_twice_the_mail_is_twice_the_work_to_cut_off_what_it_quotes(beginning: str, token: str) -> None:
    assert max(growths(lambda text: new_words(beginning + text), token, LONGEST_MAIL), default=2) < MOST


@pytest.mark.parametrize(
    "token",
    [
        "<",
        "</",
        "<a ",
        '<a href="',
        "<a b='c",
        "<a b=c ",
        "<p>",
        "<!--",
        "<!-- -->",
        "<![",
        "<?",
        "<!",
        "&",
        "&#",
        "</a ",
        "<style>",
        ">",
    ],
)
@pytest.mark.parametrize("beginning", ["", "<a "])
def test_twice_the_page_is_twice_the_work_to_find_its_words(beginning: str, token: str) -> None:
    assert max(growths(lambda text: text_of(beginning + text), token, LONGEST_MAIL), default=2) < MOST


@pytest.mark.parametrize("token", HOSTILE)
def test_twice_the_text_is_twice_the_work_to_judge(token: str) -> None:
    read_opt_out("warm")
    assert max(growths(read_opt_out, token, LONGEST), default=2) < MOST


@pytest.mark.parametrize("token", HOSTILE)
def test_a_longer_text_is_read_no_further(token: str) -> None:
    text = token * (LONGEST // len(token) + 1)
    spelling = languages()[0]._spelling
    assert sentences(text[:LONGEST], spelling) == sentences(text * 3, spelling)


@pytest.mark.parametrize("token", HOSTILE)
def test_twice_the_message_is_twice_the_work_to_ask_for_a_keyword(token: str) -> None:
    assert max(growths(keyword_of, token, LONGEST_MAIL), default=2) < MOST


@pytest.mark.parametrize("language", languages(), ids=lambda each: each.language)
def test_no_rule_takes_long_on_its_own_words(language: object) -> None:
    """Each rule is asked of the words that it is made of, over and over: what could make it try most."""
    import re

    from messaging.inbox.opt_outs.reading import Language

    assert isinstance(language, Language)
    rules = [rule.any_of for rule in language._rules] + [each for each in language._within if each]
    for rule in rules:
        said = " ".join(dict.fromkeys(re.findall("[a-z]{2,}", rule.pattern)))[:200] + " "
        found = growths(lambda text, rule=rule: list(rule.finditer(text)), said, 4 * LONGEST)  # type: ignore[misc]
        assert max(found, default=2) < MOST, rule.pattern
