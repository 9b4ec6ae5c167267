"""The targets, in the order of the report. A new one is a class of its own, added to `TARGETS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.difficulty.cases import Target


def targets() -> tuple[Target, ...]:
    """Every target; each says itself which tables it needs."""
    from flows.difficulty.targets import (
        customers,
        dispatch,
        failure,
        load,
        losses,
        overload,
        quality,
        readings,
        sags,
        settings,
        stability,
        transfers,
    )

    return (
        *sags.TARGETS,
        *failure.TARGETS,
        *overload.TARGETS,
        *load.TARGETS,
        *losses.TARGETS,
        *settings.TARGETS,
        *transfers.TARGETS,
        *customers.TARGETS,
        *dispatch.TARGETS,
        *stability.TARGETS,
        *quality.TARGETS,
        *readings.TARGETS,
    )
