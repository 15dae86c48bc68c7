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
SETS = [
    "opt_out_phrases.yaml",
    "opt_out_phrases_unseen.yaml",
    "opt_out_phrases_third.yaml",
    "opt_out_phrases_development.yaml",
]


def judged(name: str, kind: str) -> tuple[list[str], list[str]]:
    """Give the texts of a set that are taken for opt-outs, and those that are not."""
    texts = [each["text"] for each in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))[kind]]
    return [text for text in texts if read_opt_out(text)], [text for text in texts if not read_opt_out(text)]


@pytest.mark.parametrize("name", SETS)
def test_every_set_that_was_learnt_from_is_read_well(name: str) -> None:
    found, missed = judged(name, "opt_outs")
    taken, left = judged(name, "decoys")
    assert len(missed) <= 0.05 * (len(found) + len(missed)), missed
    assert len(taken) <= 0.05 * (len(taken) + len(left)), taken


@pytest.mark.parametrize("name", [*SETS, "opt_out_phrases_fourth.yaml"])
def test_every_set_is_read_as_the_document_says(name: str) -> None:
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
        "quit txtin me",
        "Leave. Me. Alone.",
        "f*** off with the e-mails",
        "please remove anna@example.com, she left us",
        "Ich widerspreche gem. Art. 21 DSGVO der Nutzung meiner Daten für Werbung",
    ],
)
def test_careless_spelling_hides_no_opt_out(text: str) -> None:
    assert read_opt_out(text) is not None


@pytest.mark.parametrize(
    ("opt_out", "other_matter"),
    [
        ("please pause the promotional emails", "please pause the emails about my order"),
        ("I can pass on the newsletter", "I can pass on the newsletter discount code"),
        ("Einstellung der Mails bitte", "Einstellung der Mails zur Bestellung bitte"),
    ],
)
def test_a_broad_rule_is_silent_in_a_sentence_of_another_matter(opt_out: str, other_matter: str) -> None:
    assert read_opt_out(opt_out) is not None
    assert read_opt_out(other_matter) is None


@pytest.mark.parametrize(
    ("opt_out", "negated"),
    [
        ("Retirez-moi de la liste", "Ne me retirez pas de la liste"),
        ("Désinscrivez-moi", "Ne me désinscrivez pas"),
        ("Borren mi número de la lista", "No me borren de la lista"),
        ("Haal me van de lijst", "Haal me niet van de lijst"),
        ("Bitte aus dem Verteiler nehmen", "Bitte nicht aus dem Verteiler nehmen"),
        ("Nehmen Sie mich aus dem Verteiler", "Nehmen Sie mich bitte nicht aus dem Verteiler"),
        ("Please unsubscribe me", "No need to unsubscribe me"),
    ],
)
def test_what_is_negated_is_no_opt_out_in_any_language(opt_out: str, negated: str) -> None:
    assert read_opt_out(opt_out) is not None
    assert read_opt_out(negated) is None


def test_a_word_of_one_language_is_no_slip_for_one_of_another() -> None:
    assert read_opt_out("ik wil me afmelden") is not None
    assert read_opt_out("Ich möchte den Kurs am Montag abmelden") is None


def test_an_opt_out_in_english_is_found_within_another_language() -> None:
    found = read_opt_out("Ich habe das nicht bestellt und will es auch nicht, bitte unsubscribe mich")
    assert found is not None
    assert found.language == "en"


def test_no_exception_hides_another_one_that_begins_where_it_does() -> None:
    assert read_opt_out("Please take me off the list") is not None
    assert read_opt_out("Please don't take me off the list") is None


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


def test_a_pattern_may_ask_that_something_does_not_follow() -> None:
    pattern = compiled(["unsubscribe from (the|my) (! ..2 {mailing})"], {"mailing": ["newsletter"]})
    assert pattern is not None
    assert pattern.search("unsubscribe from the tea box ")
    assert not pattern.search("unsubscribe from the weekly newsletter ")


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
