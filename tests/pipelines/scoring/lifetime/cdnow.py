"""CDNOW: 2,357 customers of a record shop, whom every paper on these models fits. 39 weeks to fit, 39 to foretell."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.scoring.lifetime.gamma_gamma import Spending
from pipelines.scoring.lifetime.history import Floats, History, Ints, same_histories

FOLDER = Path(os.environ.get("RAPPORT_REAL_DATA", Path(__file__).parents[5] / "shared" / "data")) / "cdnow"
END = pd.Timestamp("1997-09-30")
WEEK = pd.Timedelta(weeks=1)


@dataclass(frozen=True)
class Cdnow:
    """Days with an order: `id`, `date`, `usd`."""

    days: pd.DataFrame

    @classmethod
    def read(cls) -> "Cdnow":
        """Read the sample of the papers; what somebody bought on one day is one order."""
        names = ["number", "id", "date", "discs", "usd"]
        lines = pd.read_csv(FOLDER / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names)
        lines["date"] = pd.to_datetime(lines["date"].astype(str))
        return cls(lines.groupby(["id", "date"])["usd"].sum().reset_index())

    @cached_property
    def seen(self) -> pd.DataFrame:
        """Give the days of the 39 weeks, with the first of each customer."""
        seen = self.days[self.days["date"] <= END].copy()
        seen["first"] = seen.groupby("id")["date"].transform("min")
        return seen

    def counts(self) -> tuple[Ints, Floats, Floats]:
        """Give x, t_x and T in weeks of each customer, by id."""
        days = self.seen.groupby("id")["date"].agg(["min", "max", "size"])
        recency = ((days["max"] - days["min"]) / WEEK).to_numpy(dtype=np.float64)
        age = ((END - days["min"]) / WEEK).to_numpy(dtype=np.float64)
        return days["size"].to_numpy(dtype=np.int64) - 1, recency, age

    def history(self) -> History:
        """Count equal histories."""
        return same_histories(*self.counts())

    def repeat_spending(self) -> Spending:
        """Give what repeated orders were worth, as the papers do: the first order left out, and who paid nothing."""
        repeated = (
            self.seen[self.seen["date"] > self.seen["first"]].groupby("id")["usd"].agg(["size", "mean"])
        )
        repeated = repeated[repeated["mean"] > 0]
        return Spending(repeated["size"].to_numpy(), repeated["mean"].to_numpy())

    def later(self) -> Ints:
        """Count the days with an order in weeks 40 to 78 of each customer, by id."""
        after = self.days[self.days["date"] > END].groupby("id").size()
        return after.reindex(sorted(self.days["id"].unique()), fill_value=0).to_numpy(dtype=np.int64)
