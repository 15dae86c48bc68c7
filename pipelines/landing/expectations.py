"""Great Expectations over a frame of rows: it is imported only here, when something is judged, and stays off the network."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa


def run_expectations(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Run expectations (`rules.expectation` makes them) over a frame; gives the number of failing rows by rule."""
    return {
        item.expectation_config.meta["rule"]: _failed(item)
        for item in _validate(frame, expectations, "BASIC")
    }


def failing_rows(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Run expectations over a frame; gives the positions of the failing rows by rule."""
    results = _validate(frame, expectations, "COMPLETE")
    return {item.expectation_config.meta["rule"]: _places(item) for item in results}


def _validate(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]], detail: str) -> list[Any]:
    """Import Great Expectations here, for that takes 8 CPU seconds, and run it. Nothing goes over the network."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own and those of pandas: none is about our data
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        configured = [ExpectationConfiguration(**item) for item in expectations]
        frame = frame.assign(**_later(frame, expectations))
        asset = context.data_sources.add_pandas("landed").add_dataframe_asset("rows")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="contract", expectations=configured)
        outcome = batch.validate(
            suite, result_format={"result_format": detail, "partial_unexpected_count": 0}
        )
    return list(outcome.results)


def _later(frame: pd.DataFrame, expectations: Sequence[dict[str, Any]]) -> dict[str, "pd.Series[Any]"]:
    """Make the columns of rules with a slack: a time of the rows, so many hours later."""
    rules = [
        (item["kwargs"]["column_A"], item["meta"]["later"])
        for item in expectations
        if "later" in item["meta"]
    ]
    return {name: frame[later["column"]] + pd.Timedelta(hours=later["hours"]) for name, later in rules}


def typed_frame(rows: pa.Table) -> pd.DataFrame:
    """Make a frame of types that know missing values: a whole number stays one, however big, beside a missing one."""
    kinds = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype()}
    kinds |= {pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}
    frame: pd.DataFrame = rows.to_pandas(types_mapper=kinds.get, date_as_object=False)
    return frame


def _failed(item: Any) -> int:
    _refuse_unrun(item)
    count = item.result.get("unexpected_count")
    return int(count) if count is not None else int(not item.success)


def _places(item: Any) -> list[int]:
    _refuse_unrun(item)
    return sorted(item.result.get("unexpected_index_list") or [])


def _refuse_unrun(item: Any) -> None:
    """Refuse to call a rule kept that did not run. The library's own words may quote values, so they are left out."""
    trouble = item.exception_info or {}
    nested = [part for part in trouble.values() if isinstance(part, dict)]
    if any(part.get("raised_exception") for part in (trouble, *nested)):
        raise RuntimeError(f"Great Expectations could not run {item.expectation_config.type}")
