"""A version's figures as MLflow metrics, named alike for every model.

`test/<metric>` is the figure on the test episodes of the substations that the model learnt from,
`held_out/<metric>` that on the substations that it has never seen; `.low`, `.high`, `.opponent`, `.tree3` and
`.oracle` behind a name are what stands beside it in the report. `within_kind/<metric>.<kind>`,
`within_kind_held_out/<metric>.<kind>`, `within_substation/<metric>.<substation>` and
`within_substation_and_kind/<metric>.<substation>.<kind>` are its parts; `cost/` and `time_s/` are what it
costs. A comparison sorts by name: what a version is judged by comes before its parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from models.evaluation import ALL, HELD_OUT, TRAINING, ReportRow
from models.reports import Footprint

TEST = "test"
BESIDE = {"low": "low", "high": "high", "opponent_value": "opponent", "tree3": "tree3", "oracle": "oracle"}
GROUPS = (
    TEST,
    HELD_OUT,
    "within_kind",
    "within_kind_held_out",
    "within_substation",
    "within_substation_and_kind",
    "cost",
    "time_s",
    "tuning",
    "federation",
)
GRAMMAR = re.compile(rf"({'|'.join(GROUPS)})/[A-Za-z0-9_ -]+(\.[A-Za-z0-9_ -]+)*")
_FOREIGN = re.compile(r"[^A-Za-z0-9_ -]")


def report(rows: Iterable[ReportRow]) -> dict[str, float]:
    """The report's figures by name; figures that are not defined are left out."""
    found = {}
    for row in rows:
        key = name_of(row)
        if row.value is None:
            continue
        found[key] = row.value
        if row.slice == ALL and row.substation in {TRAINING, HELD_OUT}:
            for part, said in BESIDE.items():
                value = getattr(row, part)
                if value is not None:
                    found[f"{key}.{said}"] = value
    return found


def name_of(row: ReportRow) -> str:
    """Name of a row's figure."""
    kind = _FOREIGN.sub("_", row.slice)
    if row.substation in {TRAINING, HELD_OUT}:
        of = TEST if row.substation == TRAINING else HELD_OUT
        if row.slice == ALL:
            return f"{of}/{row.metric}"
        return f"{'within_kind' if of == TEST else 'within_kind_held_out'}/{row.metric}.{kind}"
    if row.slice == ALL:
        return f"within_substation/{row.metric}.{row.substation}"
    return f"within_substation_and_kind/{row.metric}.{row.substation}.{kind}"


def cost(footprint: Footprint, seconds: Mapping[str, float]) -> dict[str, float]:
    """What serving and training cost, by name."""
    known = {
        "cost/compiled_kib": footprint.compiled_bytes / 1024,
        "cost/one_row_us": footprint.one_row_us,
        "cost/batch_row_us": footprint.batch_row_us,
        "cost/native_row_us": footprint.native_row_us,
        "cost/rows_trained": footprint.rows_trained,
        "cost/windows_left_out": footprint.windows_left_out,
    }
    return {
        **{name: float(value) for name, value in known.items() if value is not None},
        **{f"time_s/{stage}": took for stage, took in seconds.items()},
    }
