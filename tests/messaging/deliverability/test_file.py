"""The file of what is tolerated: the shipped one, an installation's own, and what is wrong in one."""

from pathlib import Path

import pytest

from data_contracts.errors import InputError
from messaging.deliverability import read_tolerance, shipped_tolerance


def test_an_installations_own_file_stands_before_the_shipped_one(home: Path) -> None:
    assert read_tolerance(home) == shipped_tolerance()
    (home / "deliverability.yaml").write_text("as_of: 2026-11-23\nat_least: 20\nsms: { opted_out: 0.5 }\n")
    found = read_tolerance(home)
    assert found.at_least == 20
    assert {channel: dict(shares) for channel, shares in found.shares.items() if shares} == {
        "sms": {"opted_out": 0.5}
    }


@pytest.mark.parametrize(
    "wrong", ["sms: { opted_out: 5 }", "sms: { opted_out: 0 }", "fax: { bounced: 0.1 }", "sms: { left: 0.1 }"]
)
def test_what_is_wrong_in_it_is_told_with_its_line(home: Path, wrong: str) -> None:
    (home / "deliverability.yaml").write_text(f"as_of: 2026-11-23\nat_least: 20\n{wrong}\n")
    with pytest.raises(InputError, match="line 3"):
        read_tolerance(home)
