"""Datasets held against their Great Expectations suites, with Data Docs for people."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from data_contracts.block import Block
from data_contracts.contract import Rule, Table
from data_contracts.dataset import Dataset
from data_contracts.expectations import frame, suite
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import read
from data_contracts.rules.columns import all_rules
from data_contracts.tables import TABLES
from switchyard.telemetry import switch_off

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 20_000
MOST_FILES = 48
"""Files of a table that a sample is taken from: each is read whole, since rules relate rows of a file."""


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation's result.

    Attributes:
        rule: Name of the rule.
        description: What must hold.
        broken: Sampled rows that break it.
        success: Whether none does.
    """

    rule: str
    description: str
    broken: int
    success: bool


class TableValidation(msgspec.Struct, frozen=True, kw_only=True):
    """One table's validation.

    Attributes:
        table: Its name.
        rows: Rows of the table.
        sampled: Rows that the expectations were asked about.
        success: Whether all hold.
        outcomes: Results, in the order of the contract's rules.
    """

    table: str
    rows: int
    sampled: int
    success: bool
    outcomes: tuple[RuleOutcome, ...]


def _sample(dataset: Dataset, table: Table, facts: SubstationFacts, sample_rows: int) -> pd.DataFrame:
    import pandas as pd

    parts = dataset.manifest.tables[table.name].parts
    parts = parts[:: -(-len(parts) // MOST_FILES)]
    every = max(1, -(-sum(part.rows for part in parts) // sample_rows))
    files = [dataset.path / table.name / part.file for part in parts]
    frames = [frame(table, Block(table, read(table, file), facts), every) for file in files]
    return pd.concat(frames, ignore_index=True)


def validate_dataset(
    dataset: Dataset,
    facts: SubstationFacts,
    site: Path,
    *,
    sample_rows: int = SAMPLE_ROWS,
    tables: Iterable[str] | None = None,
) -> tuple[TableValidation, ...]:
    """Ask a dataset's expectations and write its Data Docs.

    Args:
        dataset: The dataset.
        facts: What the rules must know about the substation.
        site: Folder of the Data Docs; `index.html` in it is the entrance.
        sample_rows: About how many rows of each table to ask about, taken evenly from up to
            `MOST_FILES` of its files, themselves taken evenly.
        tables: Tables to validate; None for all.

    Returns:
        One result for each table, in the order of the contracts.
    """
    wanted = dataset.tables if tables is None else tuple(tables)
    samples = {
        name: _sample(dataset, table, facts, sample_rows) for name, table in TABLES.items() if name in wanted
    }
    results = _run(dataset.name, samples, site)
    return tuple(
        _outcome(table, dataset.manifest.tables[name].rows, len(samples[name]), results[name])
        for name, table in TABLES.items()
        if name in samples
    )


def _run(dataset: str, samples: dict[str, pd.DataFrame], site: Path) -> dict[str, Any]:
    switch_off()
    import great_expectations as gx

    if site.exists():
        shutil.rmtree(site)

    context = gx.get_context(mode="ephemeral")
    _drop_default_site(context)
    source = context.data_sources.add_pandas(dataset)
    context.add_data_docs_site(
        "contracts",
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)},
        },
    )
    results = {}
    # The library draws progress bars whatever its configuration says.
    with contextlib.redirect_stderr(io.StringIO()):
        for name, data in samples.items():
            batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("sample")
            expectations = context.suites.add(
                gx.ExpectationSuite(name=f"{dataset}.{name}", expectations=suite(TABLES[name]))
            )
            definition = context.validation_definitions.add(
                gx.ValidationDefinition(name=name, data=batch, suite=expectations)
            )
            checkpoint = context.checkpoints.add(
                gx.Checkpoint(name=name, validation_definitions=[definition], result_format="BASIC")
            )
            outcome = checkpoint.run(batch_parameters={"dataframe": data})
            results[name] = next(iter(outcome.run_results.values()))
        context.build_data_docs(site_names=["contracts"])
    return results


def _drop_default_site(context: Any) -> None:
    """Remove the site that the library makes in a temporary folder and leaves there."""
    for name, site in dict(context.variables.data_docs_sites).items():
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
        context.delete_data_docs_site(name)


def _outcome(table: Table, rows: int, sampled: int, result: Any) -> TableValidation:
    by_rule = {found.expectation_config.meta["rule"]: found for found in result.results}
    return TableValidation(
        table=table.name,
        rows=rows,
        sampled=sampled,
        success=bool(result.success),
        outcomes=tuple(_rule_outcome(rule, by_rule[rule.name]) for rule in all_rules(table)),
    )


def _rule_outcome(rule: Rule, found: Any) -> RuleOutcome:
    return RuleOutcome(
        rule=rule.name,
        description=rule.description,
        broken=int(found.result.get("unexpected_count", 0)),
        success=bool(found.success),
    )
