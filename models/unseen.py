"""Which rows a version has not learnt from: told by its contributors, its datasets' digests and its split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from models import tracking
from models.pool import Pool
from models.registry import RegisteredVersion
from models.rows import Rows
from models.splits import TEST, split_of_episodes, start_of
from models.tracking import DIGEST_LIMIT
from substations import read as read_substation
from switchyard.home import Home
from switchyard.profiles import Profile


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a version learnt from.

    Attributes:
        version: Its number.
        contributors: Substations whose rows it learnt from.
        datasets: Digest of each dataset that it read, by dataset name; shortened as MLflow keeps it.
        split: Its tag `split`; empty where its maker wrote none.
    """

    version: int
    contributors: frozenset[str]
    datasets: Mapping[str, str]
    split: str

    @classmethod
    def of(cls, home: Home, version: RegisteredVersion) -> Learnt:
        """What the tags of a version and the inputs of its run say."""
        run = tracking.connect(home).client.get_run(version.run_id)
        inputs = run.inputs.dataset_inputs if run.inputs is not None else ()
        return cls(
            version.version,
            frozenset(filter(None, version.tags.get("contributors", "").split(","))),
            {one.dataset.name: one.dataset.digest for one in inputs},
            version.tags.get("split", ""),
        )

    def same(self, dataset: str, digest: str) -> bool:
        """Whether it read exactly this content of a dataset."""
        return self.datasets.get(dataset) == digest[:DIGEST_LIMIT]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Rows of a pool that none of some versions has learnt from.

    Attributes:
        training: Test rows of the training substations.
        held_out: Rows of the held-out substations; None where there are none.
        notes: What a reader must know of how they were chosen.
    """

    training: Rows
    held_out: Rows | None
    notes: tuple[str, ...]


def unseen_by(versions: tuple[Learnt, ...], pool: Pool, profile: Profile) -> Unseen:
    """Rows on which some versions can be compared: test episodes, and those that none has learnt from.

    A version that learnt from the same content of a dataset leaves that one's test days. One that learnt from
    another content, such as a longer campaign, leaves the days that were test days there too. Of a substation
    that did not contribute every day is unseen.
    """
    notes: dict[str, None] = {}
    tested = pool.training.select(pool.training.split == TEST)

    def kept(rows: Rows) -> Rows:
        unseen = np.ones(len(rows), dtype=bool)
        for substation, index in _by_substation(rows):
            for one in versions:
                own, note = _unseen(one, rows.select(index), substation, pool, profile)
                unseen[index] &= own
                if note:
                    notes[note] = None
        return rows.select(unseen)

    training, held_out = kept(tested), None if pool.held_out is None else kept(pool.held_out)
    return Unseen(training, held_out, tuple(notes))


def _by_substation(rows: Rows) -> Iterator[tuple[str, NDArray[np.int64]]]:
    for code in np.unique(rows.substation.codes):
        yield rows.substation.texts[code], np.flatnonzero(rows.substation.codes == code)


def _unseen(
    one: Learnt, rows: Rows, substation: str, pool: Pool, profile: Profile
) -> tuple[NDArray[np.bool_], str]:
    """Which rows of a substation a version has not learnt from, and what is to be said of that."""
    if substation not in one.contributors:
        return np.ones(len(rows), dtype=bool), ""
    dataset = profile.dataset(substation)
    if one.same(dataset, pool.digests[dataset]) and one.split in {"", pool.scheme}:
        return rows.split == TEST, ""
    start = start_of(one.split) if one.split else None
    if start is None:
        said = "says nothing of its split" if not one.split else f"split days by another rule ({one.split})"
        return np.zeros(len(rows), dtype=bool), (
            f"version {one.version} learnt from {substation} and {said}: none of its episodes counts"
        )
    return _tested(rows, start, substation), (
        f"version {one.version} learnt from another dataset of {substation}: only days that were test days "
        "there count"
    )


def _tested(rows: Rows, start: date, substation: str) -> NDArray[np.bool_]:
    """Rows of episodes on test days of a campaign that begins on `start`, bool [n]."""
    offset_s = read_substation(substation).utc_offset_s
    found: NDArray[np.bool_] = split_of_episodes(rows.t, rows.episode.codes, start, offset_s) == TEST
    return found
