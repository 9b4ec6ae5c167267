"""States of a station by its meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class States:
    """n states of one station with u transformers, f feeders and s supplies. Unknown is NaN or −1.

    Feeders are those that can be moved, and behind them the others.

    Attributes:
        v: Phase voltages at the transformers' second windings, V, [n, u, 3].
        s_va: Power of each phase that they feed into the busbar below, VA, [n, u, 3].
        feeder_va: Power of each phase that each feeder draws, VA, [n, f, 3].
        side: Which of its two busbars each feeder hangs on; 0 for one that cannot be moved, [n, f].
        supply_va: Power of each traction supply, VA; 0 at rest, [n, s].
        pair: Its phase pair, place in `PAIRS`, [n, s].
        price_per_mwh: Price of a lost megawatt-hour, [n].
    """

    v: Float
    s_va: Complex
    feeder_va: Complex
    side: Int
    supply_va: Complex
    pair: Int
    price_per_mwh: Float

    def take(self, rows: Int | slice) -> States:
        """Some of the states."""
        return States(
            self.v[rows], self.s_va[rows], self.feeder_va[rows], self.side[rows], self.supply_va[rows],
            self.pair[rows], self.price_per_mwh[rows],
        )  # fmt: skip

    @property
    def known(self) -> NDArray[np.bool_]:
        """States of which nothing is missing, bool [n]."""
        n = len(self.price_per_mwh)
        sound = np.isfinite(self.price_per_mwh) & (self.side >= 0).all(axis=1) & (self.pair >= 0).all(axis=1)
        for values in (self.s_va, self.feeder_va, self.supply_va):
            sound &= np.isfinite(values.reshape(n, -1)).all(axis=1)
        return np.asarray(sound & (self.v.reshape(n, -1) > 0.0).all(axis=1))
