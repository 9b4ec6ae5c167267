"""What a site process is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from federation.confinement import Confinement


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What a site process is told when it starts.

    Attributes:
        name: Name of the substation.
        models: Models that it may be asked to learn.
        dataset: The site's own dataset folder.
        start: The campaign's first local date; decides the split of a simulated dataset.
        confinement: What it may read.
        log_level: Least severe line shown on standard error.
        split: Which days of a measured dataset train, validate and test, as `TimeSplit.text` has it; empty
            where it was simulated. As text: unpacking the object would import numeric libraries.
        provide: `module:function` that hands in what only the rooms above know (`models.resolving`); empty
            for none. By name: the function's libraries must not be imported before the process is prepared.
    """

    name: str
    models: tuple[str, ...]
    dataset: Path
    start: date
    confinement: Confinement
    log_level: str = "INFO"
    split: str = ""
    provide: str = ""
