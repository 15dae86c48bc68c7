"""The front door turns every failure into a sentence, and keeps standard output for results."""

import io
import sys
from collections.abc import Iterator

import pytest
import structlog

import rapport


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Put the log back as other tests know it: the front door sets it up for a whole process."""
    yield
    structlog.reset_defaults()


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["rapport", *words])
    with pytest.raises(SystemExit) as ended:
        rapport.main()
    return int(ended.value.code or 0)


def test_a_refusal_is_one_sentence_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "build", "--as-of", "soon") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("rapport: --as-of is 'soon'")
    assert "Traceback" not in told.err


def test_debug_adds_the_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "build", "--as-of", "soon", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_what_nobody_foresaw_is_told_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise KeyError("somebody@example.com")

    monkeypatch.setattr(rapport, "build_app", lambda: broken)
    assert run(monkeypatch, "build") == 1
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert "somebody@example.com" not in told


def test_the_log_goes_to_standard_error_whichever_that_is_at_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    rapport.log_to_standard_error()
    sys.stderr.close()
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    structlog.get_logger("test").warning("something.happened", number=3)
    assert '"event": "something.happened"' in later.getvalue()


@pytest.mark.parametrize(("command", "lines"), [("dispatch", 1), ("demo", 0)])
def test_only_a_command_that_runs_on_logs_what_goes_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, lines: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["rapport", command])
    rapport.log_to_standard_error()
    structlog.get_logger("test").info("something.happened")
    assert capsys.readouterr().err.count("something.happened") == lines
