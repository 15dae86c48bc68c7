"""Which files of the library use a column: found as the files stand, also where they are wrong."""

from pathlib import Path

import pytest

from pipelines.contracts.library import LibraryUses, library_uses

SEGMENT = """title: A segment
where: {all: [{column: order_count, test: "=", value: 1}, {not: {any: [{column: email, test: is null}]}}]}
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    files = {
        "segments/buyers.yaml": SEGMENT,
        "segments/broken.yaml": "where: [",
        "templates/email/hello.j2": "---\nsubject: Hello {{ given_name }}\n---\n{% if city %}{{ city }}{% endif %}",
        "templates/email/hello.de.j2": "---\nsubject: Hallo\n---\nGuten Tag",
        "templates/sms/broken.j2": "{{ city",
        "campaigns/to_buyers.yaml": "segment: buyers\ntemplate: other\n",
        "campaigns/greeting.yaml": "segment: other\ntemplate: hello\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_segment_uses_the_columns_of_its_rules_and_a_campaign_those_of_its_segment(library: Path) -> None:
    expected = LibraryUses(("segments/buyers.yaml",), (), ("campaigns/to_buyers.yaml",))
    assert library_uses(library, {"order_count"}) == library_uses(library, {"email"}) == expected


@pytest.mark.parametrize("column", ["given_name", "city"])
def test_a_template_uses_what_its_subject_and_body_name(library: Path, column: str) -> None:
    expected = LibraryUses((), ("templates/email/hello.j2",), ("campaigns/greeting.yaml",))
    assert library_uses(library, {column}) == expected


def test_a_column_that_no_file_names_is_used_by_none(library: Path) -> None:
    assert library_uses(library, {"phone"}) == LibraryUses()


def test_where_there_is_no_library_yet_the_shipped_one_counts(tmp_path: Path) -> None:
    found = library_uses(tmp_path / "none", {"lifecycle_stage"})
    assert (found.segments, found.campaigns) == (
        ("segments/lapsed_customers.yaml",),
        ("campaigns/win_back.yaml",),
    )
