"""The front door turns a failure into a sentence, also one that the system raises."""

import sys
from pathlib import Path

import pytest

import rapport


def test_a_home_that_is_a_file_is_told_in_one_sentence_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "file"
    home.write_text("")
    orders = tmp_path / "orders.csv"
    orders.write_text("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(home))
    monkeypatch.setattr(
        sys, "argv", ["rapport", "ingest", "purchases", "--map", "online_retail", str(orders)]
    )
    with pytest.raises(SystemExit) as ended:
        rapport.main()
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert f"{home} cannot be used" in told or f"{home}/landing" in told
    assert "RAPPORT_HOME" in told
    assert "did not foresee" not in told
