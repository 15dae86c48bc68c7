"""The new text of a mail: without what it quotes, without a signature, in the languages that our customers write."""

import pytest

from pipelines.sources.html_text import html_text
from pipelines.sources.reply import new_text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello\n\nOn Mon, 2 Apr 2012 at 18:26, Ann <a@example.com> wrote:\n\n> Hi\n", "Hello"),
        ("Hallo\n\nAm 02.04.2012 18:26 schrieb Ann <a@example.com>:\n\n> Hi\n", "Hallo"),
        ("Bonjour\n\nLe lun., 2 avr. 2012 à 18:26, Ann a écrit :\n> Hi\n", "Bonjour"),
        ("Hola\n\nEl 2/4/2012 a las 18:26, Ann escribió:\n> Hi\n", "Hola"),
        ("Olá\n\nEm seg., 2 de abr. de 2012 às 18:26, Ann escreveu:\n> Oi\n", "Olá"),
        ("Hej\n\nDen 2 april 2012 kl. 18:26 skrev Ann:\n> Hi\n", "Hej"),
        ("Hello\n02.04.2012 14:20 пользователь Ann <\na@example.com> написал:\n\n> Hi\n", "Hello"),
        (
            "On Mon, 2 Apr 2012, Ann wrote:\n> Can you?\n\nYes, I can.\n\n> And this?\n\nNo.\n",
            "Yes, I can.\n\nNo.",
        ),
        ("Fine.\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\n\nHi\n", "Fine."),
        ("Gut.\n\nVon: Ann\nGesendet: Montag\nAn: Bo\nBetreff: Hi\n\nHallo\n", "Gut."),
        (
            "Hello\n\n________________________________\nFrom: Ann <a@example.com>\nDate: Monday\n\nHi\n",
            "Hello",
        ),
        ("Thanks, but where is my parcel?\n\nAnn\n", "Thanks, but where is my parcel?\n\nAnn"),
        ("My answer.\n\n-- \nAnn Lee\nHead of things\n", "My answer."),
        ("My answer.\n\nSent from my iPhone\n", "My answer."),
        ("Sent from my desk, this is better.\n", "Sent from my desk, this is better."),
        ("I want:\n- one\n- two\n", "I want:\n- one\n- two"),
        ("From: here to there is far.\nTo: say the least.\n", ""),
        ("", ""),
        ("   \n\n", ""),
        ("a\r\nb\rc", "a\nb\nc"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
    ],
)
def test_what_is_new_stays_and_what_is_quoted_goes(body: str, expected: str) -> None:
    assert new_text(body) == expected


def test_a_huge_mail_takes_no_long_time() -> None:
    import time

    started = time.process_time()
    new_text("On " * 50_000 + "\n" + "> x\n" * 50_000 + "- a\n" * 50_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("piece", ["<a ", "<!--", "</", '<a href="', "&#", "<![", "<blockquote>", "x<"])
def test_huge_html_takes_no_long_time_however_it_is_broken(piece: str) -> None:
    import time

    started = time.process_time()
    html_text(piece * 20_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>Hi.<br>I am fine.</p><p>Ann</p>", "Hi.\nI am fine.\n\nAnn"),
        ("<style>p {}</style><script>x()</script><b>Hi</b> &amp; bye", "Hi & bye"),
        (
            "Hi<blockquote>old<br>older<blockquote>oldest</blockquote></blockquote>",
            "Hi\n> old\n> older\n> > oldest",
        ),
        ("<div>not closed", "not closed"),
        ("Hi <![foo bar]> there <![", "Hi  there <!["),
        ("", ""),
        ("<<<>>>", "<<<>>>"),
        ("Hi<!-- <b>no</b> --> there<!-- and on", "Hi there"),
        ("2 < 3 <b>and</b> a<b", "2 < 3 and a<b"),
    ],
)
def test_html_becomes_text_with_its_quotations_marked(markup: str, expected: str) -> None:
    assert html_text(markup) == expected
