"""Rows that the control centre holds itself, and what they say of global models.

They are a share of the held-out substations' rows. Of test days there is none among them, and the report on
the federation leaves the share out: a model is not reported on rows by which it was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from federation.job import Job
from federation.judgement import HELD, PASSED, REFUSED, UNJUDGED, Judgement, Weighed
from federation.message import State
from federation.plans import Plan
from models import bootstrap, registry, tracking
from models.comparison import LEAST_EPISODES, Paired, Served
from models.dataset import build
from models.errors import PromotionError, RegistryError
from models.evaluation import ALL, HELD_OUT
from models.metrics import Columns, Metric
from models.registry import CHAMPION
from models.rows import Rows, concatenate
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.identity import generator
from switchyard.log import get_logger
from switchyard.screen import brief

MOST_ROWS = 4000
"""Rows that a model is judged on at most: a look at it must cost little where all sites are honest."""
SHARE, LARGEST_SHARE = 0.25, 0.5
"""Share of the held-out substations' rows that the control centre takes for itself, and what it takes at most
where that share has too few episodes to tell models apart."""
MADE_GOOD = 0.5
"""Least share of what a model is worse by that leaving a site out must make good, for it to be refused."""

_log = get_logger("federation.own_rows")


def own_rows(held_out: Rows) -> NDArray[np.bool_]:
    """Which rows of the held-out substations the control centre judges by, bool [n].

    Whole episodes of training and validation days, drawn by the rows alone; none where half of all rows has
    too few of them to tell models apart.
    """
    before = held_out.split != TEST
    codes, counts = np.unique(held_out.episode.codes[before], return_counts=True)
    drawn = generator("federation", "compared", "own").permutation(codes.size)
    rows = np.cumsum(counts[drawn])
    most = min(MOST_ROWS, SHARE * len(held_out))
    taken = max(int((rows <= most).sum()), LEAST_EPISODES)
    if taken > codes.size or rows[taken - 1] > LARGEST_SHARE * len(held_out):
        return np.zeros(len(held_out), dtype=np.bool_)
    chosen: NDArray[np.bool_] = np.isin(held_out.episode.codes, codes[drawn[:taken]]) & before
    return chosen


def reported(held_out: Rows) -> Rows:
    """The rows of the held-out substations on which global models are reported."""
    return held_out.select(~own_rows(held_out))


@dataclass(frozen=True, slots=True)
class OwnRows:
    """What global models of one federation are judged by.

    Attributes:
        plan: How the model is federated.
        rows: The control centre's rows.
        references: Answers of what a global model must not be worse than, by name.
        metrics: Figures by which it is judged.
    """

    plan: Plan
    rows: Rows
    references: Mapping[str, Columns]
    metrics: tuple[Metric, ...]

    @classmethod
    def of(cls, job: Job) -> OwnRows | str:
        """Read them, or say why there is nothing to judge by.

        Raises:
            DataError: A held-out dataset lacks what the model reads.
            ContractError: A held-out substation has no dataset.
        """
        if not job.held_out:
            return "no substation is held out, so the control centre has no rows of its own"
        declared = job.plan.definition
        parts = [
            build(Dataset.open(folder), declared, job.profile.simulation.start).rows
            for _, folder in sorted(job.held_out.items())
        ]
        held_out = concatenate(parts)
        mine = own_rows(held_out)
        if not mine.any():
            return f"the held-out substations have too few episodes: half of them must hold {LEAST_EPISODES}"
        rows = held_out.select(mine)
        champion = _champion(job, rows)
        references = rules(job.plan, rows, held_out.select(~mine)) if champion is None else champion
        if not references:
            return "there is neither a champion nor a rule to set the model beside"
        metrics = main_figures(job.plan) if champion is None else all_figures(job.plan)
        return cls(job.plan, rows, references, metrics)

    def weigh(self, state: State, contributors: tuple[str, ...]) -> Judgement:
        """A global model beside the references."""
        answer = self._answer(state)
        figures = tuple(
            Weighed(name, self._paired(metric, self.references[name], answer, f"reference|{name}"))
            for metric, name in self._references()
        )
        episodes = int(np.unique(self.rows.episode.codes).size)
        judged = Judgement(PASSED, "", contributors, len(self.rows), episodes, figures)
        where = f"on {len(self.rows)} rows of the control centre"
        if not figures:
            return replace(judged, verdict=UNJUDGED, reason="no figure is known of any reference")
        worst = judged.worst
        if worst is None:
            return replace(judged, reason=f"not worse than {figures[0].reference} {where}")
        told = f"{worst.row.metric} {where} is {_told(worst.row.challenger)}"
        return replace(
            judged, verdict=HELD, reason=f"{told}, of {worst.reference} {_told(worst.row.champion)}"
        )

    def single_out(self, judged: Judgement, state: State, without: Mapping[str, State]) -> Judgement:
        """Look for the site without which the model is clearly better.

        A site is refused if the model formed without it makes good half of what the judged one is worse by,
        at the figure that was worst and not by chance, and is better, not by chance either, than the models
        formed without any other site.

        Args:
            judged: Says that the model is worse than a reference.
            state: The judged model.
            without: The model formed without each site, where one could be formed.
        """
        worst = judged.worst
        assert worst is not None
        if not without:
            return replace(
                judged, reason=f"{judged.reason}; no model could be formed without one of its sites"
            )
        metric = self.plan.definition.metric(worst.row.metric)
        ours = self._answer(state)
        answers = {site: self._answer(other) for site, other in without.items()}
        rows = {site: self._paired(metric, ours, answer, site) for site, answer in answers.items()}
        best = max(rows, key=lambda site: _value(rows[site]))
        others = (
            self._paired(metric, answer, answers[best], f"{site}|{best}")
            for site, answer in answers.items()
            if site != best
        )
        if not (_explains(rows[best], worst.row) and all(map(_better, others))):
            return replace(judged, without=rows, reason=f"{judged.reason}; no single site explains it")
        told = f"{judged.reason}; without {best} it is {_told(rows[best].challenger)}"
        return replace(judged, verdict=REFUSED, reason=told, without=rows, site=best)

    def _answer(self, state: State) -> Columns:
        with np.errstate(all="ignore"):
            return self.plan.definition.answer(self.plan.fitted(state), self.rows)

    def _references(self) -> list[tuple[Metric, str]]:
        """Each judged metric with the weakest of the references that know it: the plainest rule."""
        found = []
        for metric in self.metrics:
            sign = 1.0 if metric.direction == "higher" else -1.0
            known = {
                name: sign * metric.of(answer, self.rows)
                for name, answer in self.references.items()
                if all(column in answer for column in metric.needs)
            }
            known = {name: figure for name, figure in known.items() if np.isfinite(figure)}
            if known:
                found.append((metric, min(known, key=lambda name: known[name])))
        return found

    def _paired(self, metric: Metric, theirs: Columns, ours: Columns, seed: str) -> Paired:
        """Both at one metric, with the interval of their difference from resamples of whole episodes."""
        present, place = np.unique(self.rows.episode.codes, return_inverse=True)
        sign = 1.0 if metric.direction == "higher" else -1.0
        resamples = bootstrap.draw(
            present.size, generator(self.plan.definition.name, metric.name, seed, "veto")
        )
        with np.errstate(all="ignore"):
            before, after = (
                bootstrap.episode_sums(metric, answer, self.rows, place) for answer in (theirs, ours)
            )
            champion, challenger = (_defined(metric.value(sums.sum(axis=0))) for sums in (before, after))
            drawn = bootstrap.values(metric, after, resamples) - bootstrap.values(metric, before, resamples)
        undefined = champion is None or challenger is None
        low, high = (None, None) if undefined else bootstrap.interval(sign * drawn)
        return Paired(
            role="bar",
            substation=HELD_OUT,
            slice=ALL,
            metric=metric.name,
            direction=metric.direction,
            champion=champion,
            challenger=challenger,
            difference=None if champion is None or challenger is None else sign * (challenger - champion),
            low=low,
            high=high,
            episodes=int(present.size),
        )


def weigh(job: Job, state: State, contributors: tuple[str, ...]) -> Judgement:
    """`OwnRows.weigh`; `unjudged` where the control centre has nothing to judge by."""
    own = OwnRows.of(job)
    if isinstance(own, str):
        return Judgement(UNJUDGED, own, contributors)
    return own.weigh(state, contributors)


def single_out(job: Job, judged: Judgement, state: State, without: Mapping[str, State]) -> Judgement:
    """`OwnRows.single_out`; as it was judged where the rows are gone meanwhile."""
    own = OwnRows.of(job)
    return judged if isinstance(own, str) else own.single_out(judged, state, without)


def main_figures(plan: Plan) -> tuple[Metric, ...]:
    """What a model is judged by beside a rule: the plan's guards, else the headline and the compared figure.

    A rule may be made for one figure of many, and be better there than an honest model.
    """
    names = plan.guards or tuple(dict.fromkeys((plan.definition.headline, plan.metric)))
    return tuple(map(plan.definition.metric, names))


def all_figures(plan: Plan) -> tuple[Metric, ...]:
    """What it is judged by beside a champion: headline, compared figure, guards, and the bars' figures.

    Those of ranks, whose resamples cost more than all others together, are left out.
    """
    declared = plan.definition
    bars = (bar.metric for bar in declared.bars if bar.contains is None)
    names = dict.fromkeys((declared.headline, plan.metric, *plan.guards, *bars))
    return tuple(metric for metric in map(declared.metric, names) if metric.tally is None)


def rules(plan: Plan, rows: Rows, others: Rows) -> dict[str, Columns]:
    """Answers of what an engineer would use instead, fitted on the control centre's other rows."""
    train, validation = (others.select(others.split == split) for split in (TRAIN, VALIDATION))
    if not len(train) or not len(validation):
        return {}
    declared = plan.definition
    return {
        f"the rule {name}": declared.opponent(name, train, validation, rows) for name in declared.opponents
    }


def _champion(job: Job, rows: Rows) -> dict[str, Columns] | None:
    """The champion's answers; None where there is none, it cannot be asked, or it learnt from the rows."""
    if not tracking.exists(job.home):
        return None
    name = job.registered
    try:
        champion = registry.get(job.home, name, CHAMPION)
        served = Served.of(job.home, champion)
    except (RegistryError, PromotionError) as error:
        _log.info("%s: no champion to set a global model beside: %s", name, error)
        return None
    learnt = set(champion.tags.get("contributors", "").split(",")) & set(job.held_out)
    if learnt:
        _log.info("%s: champion %d has learnt from %s", name, champion.version, ", ".join(sorted(learnt)))
        return None
    lacking = set(served.declared.columns) - set(rows.columns)
    if lacking:
        _log.info("%s: champion %d reads %s besides", name, champion.version, ", ".join(sorted(lacking)))
        return None
    return {f"champion version {champion.version}": served.answer(rows)}


def _better(row: Paired) -> bool:
    return row.challenger is not None and (row.champion is None or (row.low is not None and row.low > 0.0))


def _explains(row: Paired, worst: Paired) -> bool:
    """Whether it makes good enough of what the judged model is worse by, and not by chance."""
    if row.difference is None or worst.difference is None:
        return _better(row)
    return _better(row) and row.difference >= MADE_GOOD * -worst.difference


def _value(row: Paired) -> float:
    """The challenger's figure, the larger the better."""
    if row.challenger is None:
        return -np.inf
    return row.challenger if row.direction == "higher" else -row.challenger


def _told(figure: float | None) -> str:
    return "not defined" if figure is None else brief(figure)


def _defined(figure: Any) -> float | None:
    return float(figure) if np.isfinite(figure) else None
