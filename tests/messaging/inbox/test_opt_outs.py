"""Opt-outs in people's own words: found in texts that somebody else wrote, and not in what only sounds like one."""

import time
from pathlib import Path

import pytest
import yaml

from data_contracts.errors import InputError
from messaging.inbox.opt_outs import read_opt_out
from messaging.inbox.opt_outs.patterns import compiled
from messaging.inbox.opt_outs.reading import Language

HERE = Path(__file__).parent
SEEN, UNSEEN = "opt_out_phrases.yaml", "opt_out_phrases_unseen.yaml"


def judged(name: str, kind: str) -> tuple[list[str], list[str]]:
    """Give the texts of a set that are taken for opt-outs, and those that are not."""
    texts = [each["text"] for each in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))[kind]]
    return [text for text in texts if read_opt_out(text)], [text for text in texts if not read_opt_out(text)]


def test_at_least_95_of_a_hundred_opt_outs_are_found_in_the_set_that_was_committed_first() -> None:
    found, missed = judged(SEEN, "opt_outs")
    assert len(missed) <= 0.05 * (len(found) + len(missed)), missed


def test_at_most_5_of_a_hundred_decoys_are_taken_in_the_set_that_was_committed_first() -> None:
    taken, left = judged(SEEN, "decoys")
    assert len(taken) <= 0.05 * (len(taken) + len(left)), taken


@pytest.mark.parametrize("name", [SEEN, UNSEEN])
def test_the_document_tells_the_figures_of_both_sets_as_they_are(name: str) -> None:
    found, missed = judged(name, "opt_outs")
    taken, left = judged(name, "decoys")
    told = f"{len(found)} of {len(found) + len(missed)} | {len(taken)} of {len(taken) + len(left)} |"
    lines = (HERE.parents[2] / "docs" / "consent.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| `{name}`")]
    assert line.endswith(told), told


def test_the_verdict_names_the_rule_the_words_the_language_and_the_date_of_the_rules() -> None:
    found = read_opt_out("Hello, thanks for the lamp. Please STOP sending me texts.")
    assert found is not None
    assert (found.language, found.rule, found.scope) == ("en", "stop_writing", "channel")
    assert found.words.startswith("stop sending me")
    assert found.rules_of.year >= 2026


@pytest.mark.parametrize(
    "text",
    [
        "Thursday is fine.\n\n> Reply STOP to opt out of these messages",
        "Thursday is fine.\n\nOn 3 Nov 2026 at 10:01, Harbour wrote:\nplease unsubscribe here",
        "Thursday is fine.\n-- \nMara, Unsubscribe Ltd, stop the emails campaign",
        'You wrote "unsubscribe from our emails any time you like", how late are you open?',
    ],
)
def test_what_is_quoted_or_signed_is_not_what_they_say(text: str) -> None:
    assert read_opt_out(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "s t o p texting me",
        "ST0P sending emails",
        "stooooop emailing me",
        "plz STOP txting",
        "unsuscribe",
        "stop\u200b emailing me",
    ],
)
def test_careless_spelling_hides_no_opt_out(text: str) -> None:
    assert read_opt_out(text) is not None


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("no more texts please", "channel"),
        ("no more texts, e-mail is fine", "channel"),
        ("I withdraw my consent to marketing", "everything"),
        ("I withdraw my consent to marketing by SMS, email is fine", "channel"),
        ("stop contacting me on any channel", "everything"),
        ("Ich widerspreche der Nutzung meiner Daten zu Werbezwecken", "everything"),
        ("Hiermit widerrufe ich meine Einwilligung zum Erhalt von Werbung per WhatsApp.", "channel"),
    ],
)
def test_an_opt_out_is_of_its_channel_unless_its_words_are_wider(text: str, scope: str) -> None:
    found = read_opt_out(text)
    assert found is not None
    assert found.scope == scope


@pytest.mark.parametrize(
    "text",
    [
        "stop " * 4000,
        "i dont, " * 2000,
        "do not never " * 2000,
        "a" * 100_000,
        '"' * 50_000,
        "On " + "x" * 50_000,
        "",
        "👍",
        "\x00",
    ],
)
def test_no_text_takes_long_to_read(text: str) -> None:
    read_opt_out("warm")
    began = time.process_time()
    read_opt_out(text)
    assert time.process_time() - began < 2


def test_a_slip_in_a_pattern_is_told() -> None:
    with pytest.raises(InputError, match="cannot be read from its character 6"):
        compiled(["stop %"], {})
    with pytest.raises(InputError, match="no group"):
        compiled(["{stop}"], {"other": ["a"]})
    with pytest.raises(InputError, match="holds itself"):
        compiled(["{a}"], {"a": ["{a}"]})


def test_a_word_that_is_none_of_the_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(
        "as_of: 2026-11-22\nlanguage: xx\ngroups: {}\nopt_out:\n  a: {any: [stop]}\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="line 5"):
        Language(path)
