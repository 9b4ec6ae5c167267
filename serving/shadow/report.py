"""What the shadow's log adds up to: how often two versions differ, in what, and by how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from serving.shadow.comparison import Pair


class LabelRow(msgspec.Struct, frozen=True):
    """How often the shadow says the same word where the served version said it.

    Attributes:
        field: Field of the answer.
        label: What the served version said.
        items: How often it said so.
        agreement: Share of these at which the shadow said the same, 0 to 1.
        instead: What the shadow said most often in the others; empty where it always agreed.
    """

    field: str
    label: str
    items: int
    agreement: float
    instead: str


class NumberRow(msgspec.Struct, frozen=True):
    """How far the figures of a field are apart.

    Attributes:
        field: Field of the answer.
        items: Items with a figure of both.
        mean: Mean absolute difference, in the field's unit.
        p95: 95th percentile of it.
        largest: Largest.
    """

    field: str
    items: int
    mean: float
    p95: float
    largest: float


class Report(msgspec.Struct, frozen=True):
    """Two versions of a model beside each other.

    Attributes:
        model: The model.
        served: Version that answered.
        shadow: Version in the shadow.
        items: Items compared.
        same: Share in which no field differs, 0 to 1.
        statuses: How often each pair of statuses came, as `ok, abstained`: served, shadow.
        differ: How often each field differed.
        labels: Agreement by label.
        numbers: Differences of figures.
    """

    model: str
    served: str
    shadow: str
    items: int
    same: float
    statuses: dict[str, int]
    differ: dict[str, int]
    labels: list[LabelRow]
    numbers: list[NumberRow]


@dataclass
class _Sums:
    items: int = 0
    same: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    differ: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    labels: dict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    distances: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, pair: Pair) -> None:
        self.items += 1
        self.same += not pair.differ
        self.statuses[", ".join(pair.status)] += 1
        for name in pair.differ:
            self.differ[name] += 1
        for name, (served, shadow) in pair.labels.items():
            self.labels[name, str(served)][str(shadow)] += 1
        for name, distance in pair.distances.items():
            self.distances[name].append(distance)


def report(pairs: Iterable[Pair], model: str | None = None) -> list[Report]:
    """Add comparisons up by model and pair of versions.

    Args:
        pairs: The log's lines.
        model: Model, or registered name, to look at; None for all.
    """
    sums: dict[tuple[str, str, str], _Sums] = {}
    for pair in pairs:
        if model is None or model in {pair.model, pair.served.rpartition(":")[0]}:
            sums.setdefault((pair.model, pair.served, pair.shadow), _Sums()).add(pair)
    return [_report(*key, one) for key, one in sorted(sums.items())]


def _report(model: str, served: str, shadow: str, sums: _Sums) -> Report:
    return Report(
        model=model,
        served=served,
        shadow=shadow,
        items=sums.items,
        same=sums.same / sums.items,
        statuses=dict(sums.statuses),
        differ=dict(sums.differ),
        labels=[_label_row(*key, said) for key, said in sorted(sums.labels.items())],
        numbers=[_number_row(name, found) for name, found in sorted(sums.distances.items())],
    )


def _label_row(name: str, label: str, said: dict[str, int]) -> LabelRow:
    items = sum(said.values())
    others = {word: count for word, count in said.items() if word != label}
    return LabelRow(
        field=name,
        label=label,
        items=items,
        agreement=said.get(label, 0) / items,
        instead=max(others, key=lambda word: others[word]) if others else "",
    )


def _number_row(name: str, distances: list[float]) -> NumberRow:
    found = np.array(distances)
    return NumberRow(
        field=name,
        items=len(found),
        mean=float(found.mean()),
        p95=float(np.percentile(found, 95)),
        largest=float(found.max()),
    )
