"""How the grids around the substations differ: inertia, plants, reserves; one system drawn for an episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.frequency.system import Systems

Range = tuple[float, float]

GROUPS = ("steam", "hydro", "storage", "inverter")
"""Governor groups: reheat steam turbines, hydro turbines, batteries, and inverters that only reduce."""

# Stages of shedding by flat frequency, Hz at 50 Hz nominal. Indian practice begins at 49.4 Hz and goes on in
# steps of 0.2 Hz (grid code and regional committees' schemes; from common knowledge). What a stage really
# relieves is well below what its scheme counts on.
_SHED_HZ = (49.4, 49.2, 49.0, 48.8)
_NOMINAL_HZ = 50.0


@dataclass(frozen=True, slots=True)
class Region:
    """What the system around a substation is drawn from, evenly within each range.

    Attributes:
        inertia_s: Inertia constant of the system on its load, s.
        primary: Σ K over the groups that answer in both directions, pu power per pu frequency.
        steam, hydro, storage: Weights of the groups in it.
        reserve: Primary reserve upwards, pu of the load.
        solar: Share of inverters in the generation, which reduce at high frequency.
        ramp: Weight of ramps among the events.
    """

    inertia_s: Range
    primary: Range
    steam: Range
    hydro: Range
    storage: Range
    reserve: Range
    solar: Range
    ramp: float


REGIONS = {
    "mumbai": Region(
        (3.0, 6.0), (3.0, 6.5), (0.7, 0.9), (0.05, 0.25), (0.0, 0.1), (0.01, 0.04), (0.02, 0.1), 0.5
    ),
    "delhi": Region(
        (2.5, 5.0), (2.5, 6.0), (0.45, 0.7), (0.25, 0.5), (0.0, 0.1), (0.01, 0.04), (0.05, 0.2), 0.5
    ),
    "bangalore": Region(
        (1.5, 4.0), (2.5, 6.0), (0.3, 0.5), (0.2, 0.5), (0.1, 0.3), (0.01, 0.04), (0.2, 0.5), 0.6
    ),
    "chennai": Region(
        (2.0, 5.0), (2.5, 6.0), (0.5, 0.75), (0.1, 0.3), (0.05, 0.2), (0.01, 0.04), (0.1, 0.4), 0.55
    ),
}
"""Weak inertia where much wind and sun is connected; stations that are not named have `ELSEWHERE`."""

ELSEWHERE = Region((2.0, 6.0), (2.5, 6.5), (0.4, 0.9), (0.1, 0.4), (0.0, 0.2), (0.01, 0.04), (0.05, 0.4), 0.5)


def region_of(substation: str) -> Region:
    """The region around a substation."""
    return REGIONS.get(substation, ELSEWHERE)


def draw_system(rng: np.random.Generator, region: Region, nominal_hz: float) -> Systems:
    """One system, as an array of one episode.

    Dead bands of ±15 … ±36 mHz are those of governors in operation (continental Europe allows ±10 mHz and
    more with insensitivity, the Indian grid code ±30 mHz, North America ±36 mHz; from common knowledge of the
    codes). Turbine constants lie about those of Anderson and Mirheydar (Tr 8 s, Fh 0.3) and of Kundur's
    textbook for hydro turbines.
    """

    def within(bounds: Range) -> float:
        return float(rng.uniform(*bounds))

    weight = np.array([within(region.steam), within(region.hydro), within(region.storage)])
    inertia = within(region.inertia_s)
    gain = within(region.primary) * weight / weight.sum()
    solar = within(region.solar)
    reserve = within(region.reserve) * weight / weight.sum()
    # Renewable plants above a dead band of their own give way by a droop of 3–6 % of what they feed in.
    give_way = solar / rng.uniform(0.03, 0.06)
    total = float(gain.sum())
    agc_s = rng.uniform(80.0, 250.0)
    stages = len(_SHED_HZ)

    def column(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array(values, dtype=np.float64)[:, None]

    return Systems(
        nominal_hz=np.array([nominal_hz]),
        inertia_s=np.array([inertia]),
        damping=rng.uniform(0.5, 2.0, 1),
        gain=column(*gain, give_way),
        dead_band=column(*rng.uniform(0.015, 0.036, 2), rng.uniform(0.010, 0.020), rng.uniform(0.05, 0.2))
        / _NOMINAL_HZ,
        up=column(*reserve, 0.0),
        # Plants come down further than they can go up.
        down=column(*(4.0 * reserve), solar),
        lag_s=np.stack(
            [
                column(
                    rng.uniform(0.15, 0.5),
                    rng.uniform(8.0, 30.0),
                    rng.uniform(0.1, 0.4),
                    rng.uniform(0.2, 0.6),
                ),
                column(rng.uniform(5.0, 11.0), rng.uniform(0.4, 1.2), 0.0, 0.0),
            ]
        ),
        lead=np.stack(
            [
                column(0.0, rng.uniform(0.1, 0.35), 0.0, 0.0),
                column(rng.uniform(0.2, 0.35), -2.0, 1.0, 1.0),
            ]
        ),
        agc_rate=np.array([total / agc_s]),
        agc_share=np.array([0.1 * total]),
        agc_limit=rng.uniform(0.03, 0.08, 1),
        agc_lag_s=rng.uniform(15.0, 40.0, 1),
        shed_at=column(*(hz / _NOMINAL_HZ - 1.0 for hz in _SHED_HZ)),
        shed_share=rng.uniform(0.020, 0.040, (stages, 1)),
        shed_delay_s=rng.uniform(0.1, 0.4, 1),
    )
