"""`python -m benchmarks.identity [--only NAME ...] [--edges N] [--people N] [--json]`: identity, measured.

Anchors and ours in one run, from seeds that are chosen when it starts and printed. CPU seconds are what
counts: wall seconds depend on what else runs.
"""

import argparse
import json
import secrets
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from benchmarks.identity.table import Section, show

PARTS = ("components", "chains", "noise", "febrl", "labelled", "company")


def main() -> None:
    """Measure, print as it goes, and count what is reached."""
    options = _options()
    found = []
    for section in sections(options):
        found.append(section)
        if not options.json:
            show(section)
            sys.stdout.flush()
    if options.json:
        print(json.dumps([section.to_document() for section in found], indent=2))
        return
    verdicts = [verdict for section in found for verdict in section.verdicts]
    if verdicts:
        print(f"\n{sum(verdict.holds for verdict in verdicts)} of {len(verdicts)} figures are reached.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.identity", description="What identity costs, and how right it is."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure these alone")
    parser.add_argument("--edges", type=int, default=5_000_000, help="power-law edges (default 5,000,000)")
    parser.add_argument("--people", type=int, default=200_000, help="people with noise (default 200,000)")
    parser.add_argument("--company", type=int, default=5_000, help="people of the sample company (5,000)")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds for noise (default 10)")
    parser.add_argument("--companies", type=int, default=3, help="how many sample companies (default 3)")
    parser.add_argument("--seed", type=int, help="the first seed, others follow it (default: chosen now)")
    return parser.parse_args()


def sections(options: argparse.Namespace) -> Iterator[Section]:
    """Measure part by part."""
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    if "components" in options.only or "chains" in options.only:
        yield from _component_sections(options, seed)
    if "noise" in options.only:
        from benchmarks.identity.merging import noise_section

        yield noise_section(options.people, range(seed, seed + options.seeds))
    if "febrl" in options.only:
        yield from _febrl_sections()
    if "labelled" in options.only:
        yield from _labelled_sections()
    if "company" in options.only:
        _warm()
        from benchmarks.identity.companies import company_section

        yield company_section(options.company, range(seed, seed + options.companies))


def _component_sections(options: argparse.Namespace, seed: int) -> Iterator[Section]:
    from benchmarks.identity.components import Workshop, chain_sections, power_law_sections

    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        workshop = Workshop(Path(folder))
        whole, new = power_law_sections(workshop, options.edges, seed)
        yield whole
        yield new
        if "chains" in options.only:
            cost = whole.rows[-1].cpu_seconds or 0.0
            yield from chain_sections(workshop, seed, cost / options.edges)


def _febrl_sections() -> Iterator[Section]:
    from benchmarks.identity.companies import FOLDER
    from benchmarks.identity.febrl import FILE, febrl_sections

    if (FOLDER / FILE).exists():
        yield from febrl_sections(FOLDER)
    else:
        sys.stderr.write("Skipped FEBRL3: it is not there (RAPPORT_REAL_DATA names its folder).\n")


def _labelled_sections() -> Iterator[Section]:
    from benchmarks.identity.companies import FAKE_1000, SENZING, labelled_section

    _warm()
    for labelled in (SENZING, FAKE_1000):
        if labelled.is_here:
            yield labelled_section(labelled)
        else:
            sys.stderr.write(
                f"Skipped {labelled.title}: it is not there (RAPPORT_REAL_DATA names its folder).\n"
            )


def _warm() -> None:
    """Import what a running installation has imported long ago."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dbt.cli.main  # noqa: F401 (imported for its cost)


if __name__ == "__main__":
    main()
