"""Finding a Chromium."""

from pathlib import Path

import pytest

from dashboard import browser


def test_the_browser_named_by_the_setting_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "my-chromium"
    named.write_text("")
    named.chmod(0o755)
    monkeypatch.setenv("RAPPORT_CHROMIUM", str(named))
    assert browser.find_chromium() == named


def test_a_named_browser_that_cannot_run_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAPPORT_CHROMIUM", str(tmp_path / "absent"))
    assert browser.find_chromium() is None


def test_without_any_browser_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAPPORT_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.find_chromium() is None


def test_the_first_browser_on_the_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAPPORT_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    assert browser.find_chromium() == tmp_path / "chromium"
