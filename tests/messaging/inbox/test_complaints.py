"""What people write is taken for a complaint where it is one, and a look-alike is not; with what the models read, in agreement."""

from pathlib import Path

import pytest
import yaml

from data_contracts.errors import InputError
from messaging.inbox.complaints import WORDS_FILE, complains, read_complaint_words

PHRASES = yaml.safe_load(Path(__file__).with_name("complaint_phrases.yaml").read_text())
PROJECT = Path(__file__).parents[3] / "dbt_project" / "dbt_project.yml"


@pytest.mark.parametrize("text", PHRASES["complaints"])
def test_who_complains_is_heard(text: str) -> None:
    assert complains(text)


@pytest.mark.parametrize("text", PHRASES["none"])
def test_a_look_alike_is_no_complaint(text: str) -> None:
    assert not complains(text)


def test_what_they_quote_of_us_or_of_an_older_mail_is_not_their_complaint() -> None:
    assert not complains(
        "Yes, all is well again.\n\nOn Monday Ada wrote:\n> I want to complain about my chair"
    )


def test_the_subject_of_a_mail_counts_where_it_is_their_own() -> None:
    assert complains("See the picture.", "Complaint about order 1042")
    assert not complains("Yes, thank you.", "Re: Your complaint 1042")


def test_the_models_read_the_same_words_in_what_a_help_desk_calls_a_ticket() -> None:
    assert yaml.safe_load(PROJECT.read_text())["vars"]["complaint_words"] == list(
        read_complaint_words().named
    )


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("complaint", True),
        ('["Complaints", "parcel"]', True),
        ("Réclamation", True),
        ("billing", False),
        ("reklama", False),
    ],
)
def test_a_label_names_a_complaint_in_eight_languages(label: str, named: bool) -> None:  # noqa: FBT001 - a case
    assert read_complaint_words().names(label) == named


def test_a_slip_in_the_file_is_told_by_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "complaint_words.yaml"
    wrong.write_text(WORDS_FILE.read_text().replace("patterns:", "paterns:", 1))
    with pytest.raises(InputError, match="paterns"):
        read_complaint_words(wrong)
