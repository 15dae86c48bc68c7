"""A company adds a column to the view with one model and one line, in a copy of the project as they would have it."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import BuildError
from pipelines.warehouse.promised import trait_names

ROOT = Path(__file__).parents[3]
PACKAGES = ("data_contracts", "dbt_project", "messaging", "pipelines")
LINE = 'likes_lamps: {type: BOOLEAN, title: Likes lamps, description: "Whether they bought a lamp.", classification: personal}\n'
MODEL = """
select customer_id, max(case when product_category = 'lamps' then 1 else 0 end) = 1 as likes_lamps
from {{ ref('int_purchases__lines') }}
where customer_id is not null
group by customer_id
"""
USE = """
import json, sys
from datetime import datetime
from pathlib import Path

from data_contracts.contracts import published_contract
from data_contracts.errors import RapportError
from messaging.clock import Clock
from messaging.release import ReleaseReader
from messaging.segments import count, read_segment
from messaging.settings import read_settings
from pipelines.defs.build import run_build
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import land_records

settings, clock = read_settings(home=Path(sys.argv[1])), Clock(datetime(2026, 10, 30, 12))
line = {"source": "shop", "line_kind": "sale", "quantity": "1", "unit_price_minor": "900", "net_amount_minor": "900",
        "currency": "GBP", "occurred_at": "2026-10-01 10:00:00", "product_name": "x"}
bought = [("ada", "lamps"), ("ada", "mugs"), ("ben", "mugs")]
rows = [{**line, "source_record_id": f"line/{at}", "order_id": str(at), "email": f"{who}.quill@example.com", "product_id": what,
         "product_category": what, "raw_record": "{}"} for at, (who, what) in enumerate(bought)]
land_records(settings, clock, Delivery("shop", "purchases", "shop.csv", "a", "b"), rows)
try:
    run_build(settings, clock)
except RapportError as error:
    print(json.dumps({"refused": str(error)}))
    raise SystemExit
contract = published_contract("customer_360")
segment = read_segment("lamps", {"where": {"column": "likes_lamps", "test": "=", "value": True}}, contract)
with ReleaseReader(settings.releases_dir).snapshot() as snapshot:
    found = snapshot.rows("SELECT email, likes_lamps FROM c360.customer_360 ORDER BY email")
    matched = count(snapshot, segment, ()).matched
print(json.dumps({"rows": [list(row.values()) for row in found], "matched": matched,
                  "column": [c.title for c in contract.columns if c.name == "likes_lamps"]}))
"""


@dataclass
class Project:
    """A copy of the project, with a home of its own."""

    folder: Path

    def trait(self, name: str, model: str | None, line: str | None) -> None:
        """Add what somebody wrote of a trait: its model, its line, or both."""
        if model is not None:
            (self.folder / "dbt_project" / "models" / "traits" / f"{name}.sql").write_text(model)
        if line is not None:
            with (self.folder / "data_contracts" / "published" / "traits.yaml").open("a") as file:
                file.write(line)

    def build(self) -> dict[str, Any]:
        """Build the view of two customers and use the new column: what was found, or what was refused."""
        done = subprocess.run(
            [sys.executable, "-c", USE, str(self.folder / "home")],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "target")
        )
    return Project(tmp_path)


def test_one_model_and_one_line_make_a_column_of_the_view_and_of_segments(project: Project) -> None:
    project.trait("likes_lamps", MODEL, LINE)
    assert project.build() == {
        "rows": [["ada.quill@example.com", True], ["ben.quill@example.com", False]],
        "matched": 1,
        "column": ["Likes lamps"],
    }


def test_a_trait_that_says_two_things_of_a_customer_fails_the_build_by_its_name(project: Project) -> None:
    two = MODEL.replace("group by customer_id", "group by customer_id, product_id")
    project.trait("likes_lamps", two, LINE)
    assert (
        "2 rows of likes_lamps have a key (customer_id) that is empty or stands on another row too"
        in project.build()["refused"]
    )


def test_a_model_without_a_line_and_a_line_without_a_model_are_named(project: Project) -> None:
    shipped = trait_names(project.folder / "dbt_project")[0]
    (project.folder / "dbt_project" / "models" / "traits" / f"{shipped}.sql").unlink()
    with pytest.raises(BuildError, match=f"'{shipped}' has a line and no model"):
        trait_names(project.folder / "dbt_project")
    project.trait(shipped, MODEL, None)
    project.trait("likes_lamps", MODEL, None)
    with pytest.raises(BuildError, match="'likes_lamps' has a model and no line"):
        trait_names(project.folder / "dbt_project")


def test_a_trait_that_reads_the_view_it_is_a_column_of_is_told_its_circle(project: Project) -> None:
    project.trait(
        "likes_lamps",
        "select customer_id, true as likes_lamps from {{ ref('customer_360') }}",
        LINE,
    )
    assert (
        "The trait 'likes_lamps' reads what is made from it: likes_lamps, which reads customer_360, which reads"
        " likes_lamps." in project.build()["refused"]
    )


def test_a_trait_cannot_have_the_name_of_a_model_that_is_shipped(project: Project) -> None:
    project.trait("orders", MODEL, None)
    with pytest.raises(BuildError, match="'orders' has the name of a model that Rapport ships"):
        trait_names(project.folder / "dbt_project")
