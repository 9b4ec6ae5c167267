"""The campaign that is attacked: what each site learns from, and the rows on which models are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from federation.family import LocalData
from federation.message import State
from federation.own_rows import OwnRows
from federation.plans import Plan, plan, schema_digest
from federation.rounds import Federation
from models.rows import Rows
from models.splits import TEST


@dataclass(frozen=True, slots=True)
class Campaign:
    """One model's federation with all that is needed to run it in this process.

    Attributes:
        learner: How the model is federated.
        federation: What is the same in all its rounds.
        data: What each site learns from.
        judged: Rows of each site that no model has seen.
        own: What the control centre judges by, or why there is nothing.
    """

    learner: Plan
    federation: Federation
    data: Mapping[str, LocalData]
    judged: Mapping[str, Rows]
    own: OwnRows | str = "no substation is held out"

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return tuple(sorted(self.data))

    def without(self, site: str) -> Campaign:
        """The same campaign without a site that learns; its rows still judge."""
        return replace(
            self,
            federation=replace(
                self.federation,
                enrolled={name: n for name, n in self.federation.enrolled.items() if name != site},
            ),
            data={name: rows for name, rows in self.data.items() if name != site},
        )

    def figure(self, state: State) -> float | None:
        """The compared figure of a finished model, mean over the sites; None where it is not defined."""
        figures = [self._figure(self.learner.fitted(state), rows) for rows in self.judged.values()]
        return float(np.mean(figures)) if np.isfinite(figures).all() else None

    def _figure(self, fitted: Any, rows: Rows) -> float:
        definition = self.learner.definition
        judged = definition.calibrate(fitted, rows) if self.learner.at_level else fitted
        return definition.metric(self.learner.metric).of(definition.answer(judged, rows), rows)


def of_home(home: Path, profile: str, model: str, most: int) -> Campaign:
    """The campaign of a home with simulated data: all training substations of the profile.

    Args:
        home: Where the data lie.
        profile: Name or path of the profile.
        model: Model of the catalogue.
        most: Rows of a kind that a site learns from at most, spread evenly over those that it has.

    Raises:
        FederationError: The model is not federated.
        DataError: The home lacks tables that the model reads.
    """
    from federation.job import Job
    from switchyard.home import Home
    from switchyard.profiles import load_profile

    learner, sized, place = plan(model), load_profile(profile), Home(home)
    folders = {site: place.dataset(sized.dataset(site)) for site in sized.training}
    held_out = {name: place.dataset(sized.dataset(name)) for name in sized.held_out}
    job = Job(learner, sized, place, folders, held_out, {})
    rows = rows_of(home, profile, model)
    federation = Federation(
        f"{model}.attacked",
        model,
        learner.family,
        schema_digest(learner.definition),
        job.settings,
        job.enrolled,
    )
    return Campaign(
        learner,
        federation,
        {site: thinned(learner.local_data(own), most) for site, own in rows.items()},
        {site: own.select(own.split == TEST) for site, own in rows.items()},
        OwnRows.of(job),
    )


def rows_of(home: Path, profile: str, model: str) -> dict[str, Rows]:
    """Rows of all splits of each training substation.

    Raises:
        DataError: The home lacks tables that the model reads.
    """
    from data_contracts.dataset import Dataset
    from flows import resolving
    from models.dataset import build
    from switchyard.home import Home
    from switchyard.profiles import load_profile

    resolving.provide()
    sized = load_profile(profile)
    definition = plan(model).definition
    return {
        site: build(
            Dataset.open(Home(home).dataset(sized.dataset(site))), definition, sized.simulation.start
        ).rows
        for site in sized.training
    }


def thinned(data: LocalData, most: int) -> LocalData:
    """At most `most` rows, evenly spread; arrays of as many rows lose the same ones."""
    return {
        name: rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]
        for name, rows in data.items()
    }
