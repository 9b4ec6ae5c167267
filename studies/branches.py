"""The table of branches of a power flow; the same for both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.result import Table

_SHOWN = (
    "branch", "from_bus", "to_bus", "p_from_kw", "q_from_kvar", "losses_kw", "i_max_a", "loading_pct",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BranchFlow:
    """What flows through one branch.

    Attributes:
        name: Class and name.
        from_bus: Its first end.
        to_bus: Its second end.
        from_kva: Power into the first end, kW + j kvar.
        to_kva: Power into the second end.
        losses_kva: What it keeps.
        i_max_a: Largest phase current, A.
        loading_pct: Over what it may carry; NaN where that is not stated.
    """

    name: str
    from_bus: str
    to_bus: str
    from_kva: complex
    to_kva: complex
    losses_kva: complex
    i_max_a: float
    loading_pct: float


def branch_table(flows: Sequence[BranchFlow], **more: Sequence[float]) -> Table:
    """One row a branch: what enters at its first end and at its second, and what it keeps.

    Args:
        flows: The branches.
        more: Columns that only one engine knows.
    """
    return Table(
        "branches",
        "flows of the branches",
        {
            "branch": [flow.name for flow in flows],
            "from_bus": [flow.from_bus for flow in flows],
            "to_bus": [flow.to_bus for flow in flows],
            "p_from_kw": [flow.from_kva.real for flow in flows],
            "q_from_kvar": [flow.from_kva.imag for flow in flows],
            "p_to_kw": [flow.to_kva.real for flow in flows],
            "q_to_kvar": [flow.to_kva.imag for flow in flows],
            "losses_kw": [flow.losses_kva.real for flow in flows],
            "losses_kvar": [flow.losses_kva.imag for flow in flows],
            "i_max_a": [flow.i_max_a for flow in flows],
            "loading_pct": [flow.loading_pct for flow in flows],
            **more,
        },
        shown=_SHOWN,
    )
