"""Two versions of a model on the same unseen episodes, each as it is served."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import bootstrap, compilation, registry
from models.catalogue import definition as defined
from models.errors import PromotionError
from models.evaluation import ALL, HELD_OUT, TRAINING
from models.metrics import Columns, Metric
from models.pool import Pool, load
from models.protocol import Definition
from models.registry import RegisteredVersion
from models.rows import Rows, concatenate
from models.runtime import CompiledModel
from models.unseen import Learnt, unseen_by
from switchyard.files import read_json
from switchyard.home import Home
from switchyard.identity import generator
from switchyard.profiles import Profile

LEAST_EPISODES = 8
"""Fewer episodes cannot tell two versions apart."""

Role = Literal["headline", "bar", "shown", "slice"]


class Paired(msgspec.Struct, frozen=True):
    """A metric of both versions on the same episodes.

    Attributes:
        role: `headline` decides, `bar` and `slice` guard, `shown` is told only.
        substation: `training`, `held_out` or a substation's name.
        slice: `all` or a scenario kind.
        metric: Name of the metric.
        direction: `higher` or `lower` is better.
        champion: The champion's figure.
        challenger: The challenger's figure.
        difference: By how much the challenger is better, in the metric's unit; negative where it is worse.
        low: Lower end of its 95 % interval by episode.
        high: Upper end.
        episodes: Number of episodes.
    """

    role: Role
    substation: str
    slice: str
    metric: str
    direction: str
    champion: float | None
    challenger: float | None
    difference: float | None
    low: float | None
    high: float | None
    episodes: int


class Comparison(msgspec.Struct, frozen=True):
    """A challenger beside the champion; JSON-able by `msgspec.to_builtins`.

    Attributes:
        model: Registered name.
        profile: Profile whose datasets it was made on.
        champion: The champion's version.
        challenger: The challenger's version.
        datasets: Digest of each dataset, by dataset name.
        rows: Headline first, then the bars' metrics, then slices.
        notes: What a reader must know of how episodes were chosen.
    """

    model: str
    profile: str
    champion: int
    challenger: int
    datasets: dict[str, str]
    rows: tuple[Paired, ...]
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> Paired:
        """The row that decides."""
        return self.rows[0]


@dataclass(frozen=True, slots=True)
class Served:
    """A version's compiled files, opened."""

    declared: Definition[Any]
    features: tuple[str, ...]
    decoder: Mapping[str, Any]
    model: CompiledModel

    @classmethod
    def of(cls, home: Home, version: RegisteredVersion) -> Served:
        """Open what `publish` would serve of a version; its tag `algorithm` says which declaration it has.

        Raises:
            PromotionError: It was compiled from another declaration of the model.
        """
        declared = defined(version.name.partition(".")[0], version.tags.get("algorithm", ""))
        with tempfile.TemporaryDirectory() as scratch:
            folder = registry.download_compiled(home, version.name, version.version, Path(scratch) / "got")
            spec = read_json(folder / compilation.SPEC_FILE)
            if spec["declaration"] != declared.version or tuple(spec["features"]) != declared.features:
                raise PromotionError(
                    f"{version.name} version {version.version} was made from declaration "
                    f"{spec['declaration']} with {len(spec['features'])} inputs, this release declares "
                    f"{declared.version} with {len(declared.features)}",
                    "train it again; --force REASON replaces a champion that cannot be compared",
                )
            model = CompiledModel((folder / compilation.MODEL_FILE).read_bytes())
        return cls(declared, tuple(spec["features"]), spec["decoder"], model)

    def answer(self, rows: Rows) -> Columns:
        """What the metrics need of its answers for `rows`."""
        return self.declared.served(self.decoder, self.model(rows.inputs(self.features)), rows)


def compare(
    home: Home,
    profile: Profile,
    datasets: Mapping[str, Path],
    champion: RegisteredVersion,
    challenger: RegisteredVersion,
    *,
    rows: Callable[[Definition[Any], Profile], Pool] | None = None,
) -> Comparison:
    """Compare two versions of one registered name.

    Both answer by their compiled graph and decoder, as the service does; nothing is fitted. Intervals of the
    difference come from resamples of whole episodes, the same for both versions.

    Args:
        home: The installation's folders.
        profile: Says which substations train and which are held out.
        datasets: Folder of each substation's contracted dataset, by substation.
        champion: The version that is served.
        challenger: The version that wants its place.
        rows: Gives the rows for a definition and a profile; those of the datasets by default.

    Raises:
        PromotionError: A version was made from another declaration, or too few episodes are left that neither
            has learnt from.
        ContractError: A dataset is not there.
        DataError: A dataset does not hold what the model needs.
    """
    name, _, substation = challenger.name.partition(".")
    profile = profile.only(substation) if substation else profile
    served = [Served.of(home, one) for one in (champion, challenger)]
    declared = defined(name)
    # An algorithm that reads more than another carries the other's inputs too.
    widest = max((one.declared for one in served), key=lambda one: len(one.columns))
    pool = load(widest, profile, datasets) if rows is None else rows(widest, profile)
    learnt = (Learnt.of(home, champion), Learnt.of(home, challenger))
    unseen = unseen_by(learnt, pool, profile)
    episodes = np.unique(unseen.training.episode.codes).size
    if episodes < LEAST_EPISODES:
        told = "; ".join(unseen.notes) or "give the profile more days and episodes"
        raise PromotionError(
            f"{challenger.name}: {episodes} test episodes of {', '.join(profile.training)} are left that "
            f"neither version {champion.version} nor {challenger.version} has learnt from; "
            f"{LEAST_EPISODES} are needed",
            told,
        )
    parts = [unseen.training, *(() if unseen.held_out is None else (unseen.held_out,))]
    compared = concatenate(parts)
    inside = np.arange(len(compared)) < len(unseen.training)
    first, second = (one.answer(compared) for one in served)
    seed = f"{champion.version}:{challenger.version}"
    found = tuple(_paired(declared, compared, inside, (first, second), seed))
    if not found or found[0].role != "headline" or found[0].low is None:
        raise PromotionError(
            f"{challenger.name}: {declared.headline} is not defined on the {episodes} episodes",
            "give the profile more days and episodes",
        )
    return Comparison(
        model=challenger.name,
        profile=profile.name,
        champion=champion.version,
        challenger=challenger.version,
        datasets=dict(pool.digests),
        rows=found,
        notes=(*unseen.notes, *_left_out(declared, found)),
    )


def _left_out(declared: Definition[Any], found: tuple[Paired, ...]) -> Iterator[str]:
    compared = {row.metric for row in found}
    for bar in declared.bars:
        if bar.metric not in compared:
            yield f"{bar.metric} is not compared: the compiled form does not hold what it needs"


def _paired(
    declared: Definition[Any],
    rows: Rows,
    inside: NDArray[np.bool_],
    answers: tuple[Columns, Columns],
    seed: str,
) -> Iterator[Paired]:
    present, place = np.unique(rows.episode.codes, return_inverse=True)
    of_headline = _sums(declared.metric(declared.headline), rows, place, answers)
    main, *slices = _scopes(rows, place, present.size, inside)
    for role, metric in _judged(declared):
        if all(column in answer for column in metric.needs for answer in answers):
            sums = of_headline if role == "headline" else _sums(metric, rows, place, answers)
            yield _row(role, main, metric, sums, seed)
    for scope in slices:
        yield _row("slice", scope, declared.metric(declared.headline), of_headline, seed)


def _judged(declared: Definition[Any]) -> Iterator[tuple[Role, Metric]]:
    """The headline, then the metrics of the bars; one that is to hit a figure is neither better nor worse."""
    yield "headline", declared.metric(declared.headline)
    for bar in declared.bars:
        if bar.metric != declared.headline:
            yield ("shown" if bar.contains is not None else "bar"), declared.metric(bar.metric)


Sums = tuple[NDArray[np.float64], NDArray[np.float64]]
Scope = tuple[str, str, NDArray[np.bool_]]


def _sums(metric: Metric, rows: Rows, place: NDArray[np.int64], answers: tuple[Columns, Columns]) -> Sums:
    first, second = (bootstrap.episode_sums(metric, answer, rows, place) for answer in answers)
    return first, second


def _scopes(
    rows: Rows, place: NDArray[np.int64], episodes: int, inside: NDArray[np.bool_]
) -> Iterator[Scope]:
    """Test episodes of the training substations, then each kind among them, then each substation."""
    first = np.zeros(episodes, dtype=np.int64)
    first[place[::-1]] = np.arange(len(rows))[::-1]
    trains, substation, kind = inside[first], rows.substation.array()[first], rows.kind.array()[first]
    yield TRAINING, ALL, trains
    kinds, names = np.unique(kind[trains]), np.unique(substation[trains])
    if kinds.size > 1:
        for one in kinds:
            yield TRAINING, str(one), trains & (kind == one)
    if names.size > 1:
        for one in names:
            yield str(one), ALL, trains & (substation == one)
    if not trains.all():
        yield HELD_OUT, ALL, ~trains
        for one in np.unique(kind[~trains]):
            yield HELD_OUT, str(one), ~trains & (kind == one)


def _row(role: Role, scope: Scope, metric: Metric, sums: Sums, seed: str) -> Paired:
    substation, kind, member = scope
    sign = 1.0 if metric.direction == "higher" else -1.0
    champion, challenger = (_defined(metric.value(part[member].sum(axis=0))) for part in sums)
    difference = None if champion is None or challenger is None else sign * (challenger - champion)
    low = high = None
    if difference is not None:
        rng = generator(metric.name, substation, kind, seed, "promotion")
        resamples = bootstrap.draw(int(member.sum()), rng)
        before, after = (bootstrap.values(metric, part[member], resamples) for part in sums)
        low, high = bootstrap.interval(sign * (after - before))
    return Paired(
        role=role,
        substation=substation,
        slice=kind,
        metric=metric.name,
        direction=metric.direction,
        champion=champion,
        challenger=challenger,
        difference=difference,
        low=low,
        high=high,
        episodes=int(member.sum()),
    )


def _defined(figure: NDArray[np.float64]) -> float | None:
    return float(figure) if np.isfinite(figure) else None
