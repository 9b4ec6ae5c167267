"""Rows of `thermal`: the transformers' temperatures, minute by minute, in episodes of some days."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.rules.thermal import REGIME_NAMES
from data_contracts.tables.thermal import EVENTS, STAGES, THERMAL
from simulation.demand import simulate_load
from simulation.noise import Floats
from simulation.tables.parquet import array, instants, words, write_table
from simulation.thermal.c57 import ageing_acceleration
from simulation.thermal.cooling import regime
from simulation.thermal.fleet import Fleet
from simulation.thermal.iec60076 import ageing_rate
from simulation.thermal.indicator import measured_load, measured_oil
from simulation.thermal.living import largest_ahead, live_through
from simulation.thermal.plan import DAY_MIN, ThermalEpisode, plan_thermal
from simulation.thermal.play import Played
from substations.description import Substation
from switchyard.profiles import Profile

if TYPE_CHECKING:
    import pyarrow as pa


def write_thermal(path: Path, substation: Substation, profile: Profile) -> int:
    """Live through a campaign's thermal episodes and write them, sorted by asset and time.

    Args:
        path: File to write.
        substation: Description.
        profile: Sizes and seed.

    Returns:
        The number of rows; 0, and no file, for a profile without such episodes or without transformers.

    Raises:
        SimulationError: The campaign has too few days for its episodes.
    """
    episodes = plan_thermal(substation, profile)
    if not episodes or not substation.transformers:
        return 0
    plan = profile.simulation
    loads = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
    fleet = Fleet.of(substation)
    blocks = [
        _block(fleet, lived.episode, lived.loading.event, lived.ambient_c, lived.played)
        for lived in live_through(substation, loads, episodes, fleet)
    ]
    order = np.argsort(np.array(fleet.names))
    columns = {
        name: np.concatenate([block[name][:, k] for k in order for block in blocks]) for name in blocks[0]
    }
    return write_table(path, THERMAL, _arrow(columns, fleet, order, episodes))


def _block(
    fleet: Fleet, episode: ThermalEpisode, event: NDArray[np.int64], ambient_c: Floats, played: Played
) -> dict[str, NDArray[Any]]:
    """One episode's columns, shape [n, u] each."""
    minutes, count = played.load_pu.shape
    rate = ageing_rate(played.hot_spot_c)
    rng = episode.scenario.generator("indicators")
    measured = [measured_oil(rng, played.oil_c[:, k], fleet.rated_mva[k]) for k in range(count)]
    metered = [measured_load(rng, played.load_pu[:, k]) for k in range(count)]
    stage = np.array(
        [[STAGES.index(own[min(s, len(own) - 1)]) for s in range(len(STAGES))] for own in fleet.stages]
    )
    return {
        "t": np.repeat((episode.t + 60 * np.arange(minutes))[:, None], count, axis=1),
        "load_pu": played.load_pu,
        "load_metered_pu": np.stack(metered, axis=1),
        "ambient_c": ambient_c,
        "cooling_stage": stage[np.arange(count), played.stage],
        "event": event,
        "top_oil_measured_c": np.stack(measured, axis=1),
        "top_oil_c": played.oil_c,
        "hot_spot_c": played.hot_spot_c,
        "hot_spot_ieee_c": played.hot_spot_ieee_c,
        "ageing_rate": rate,
        "ageing_acceleration": ageing_acceleration(played.hot_spot_c),
        "loss_of_life_h": np.cumsum(rate, axis=0) / 60.0,
        "loading_regime": regime(
            played.load_pu,
            played.hot_spot_c,
            played.oil_c,
            np.broadcast_to(fleet.rated_mva, (minutes, count)),
        ),
        "hot_spot_next_60min_max_c": largest_ahead(played.hot_spot_c),
    }


def _arrow(
    columns: dict[str, NDArray[Any]],
    fleet: Fleet,
    order: NDArray[np.int64],
    episodes: tuple[ThermalEpisode, ...],
) -> dict[str, pa.Array[Any]]:
    """The columns as Arrow arrays, with the names of episodes and assets."""
    minutes = episodes[0].days * DAY_MIN
    count = len(fleet.names)
    vocabulary = {"cooling_stage": STAGES, "event": EVENTS, "loading_regime": REGIME_NAMES}
    coded = {name: words(columns.pop(name), texts) for name, texts in vocabulary.items()}
    return {
        "scenario_id": words(
            np.tile(np.repeat(np.arange(len(episodes)), minutes), count),
            tuple(str(episode.scenario) for episode in episodes),
        ),
        "asset": words(
            np.repeat(np.arange(count), len(episodes) * minutes), tuple(fleet.names[k] for k in order)
        ),
        "t": instants(columns.pop("t")),
        **coded,
        **{name: array(values) for name, values in columns.items()},
    }
