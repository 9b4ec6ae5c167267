"""What a substation's transformers live through in all thermal episodes of a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from data_contracts.tables.thermal import AHEAD_MIN
from simulation.demand.feeders import FeederLoads
from simulation.noise import Floats
from simulation.thermal.fleet import Fleet
from simulation.thermal.loading import Loading, load_episode
from simulation.thermal.plan import DAY_MIN, ThermalEpisode
from simulation.thermal.play import Played, play
from substations.description import Substation

_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Lived:
    """One episode without its run-in.

    Attributes:
        episode: What was planned.
        loading: What was asked of the transformers, the run-in included.
        ambient_c: Air around each of them, °C, shape [n, u].
        played: What came of it, shape [n, u] each.
    """

    episode: ThermalEpisode
    loading: Loading
    ambient_c: Floats
    played: Played


def live_through(
    substation: Substation, loads: FeederLoads, episodes: tuple[ThermalEpisode, ...], fleet: Fleet
) -> Iterator[Lived]:
    """Live through the episodes in their order, several at once.

    Args:
        substation: Description.
        loads: Its feeders' loads over the campaign.
        episodes: All of the campaign's: the bytes of a row depend on which are lived through together.
        fleet: The transformers.
    """
    count = len(substation.transformers)
    for first in range(0, len(episodes), _AT_ONCE):
        group = episodes[first : first + _AT_ONCE]
        loadings = [load_episode(substation, loads, episode) for episode in group]
        ambient = np.concatenate([np.repeat(one.ambient_c[:, None], count, 1) for one in loadings], axis=1)
        played = play(
            Fleet.beside([fleet.weakened(episode.lost_cooling) for episode in group]),
            np.concatenate([one.load_mva for one in loadings], axis=1),
            ambient,
            np.concatenate([one.energised for one in loadings], axis=1),
            np.concatenate([place * count + one.leader for place, one in enumerate(loadings)]),
        )
        for place, (episode, loading) in enumerate(zip(group, loadings, strict=True)):
            own = slice(place * count, (place + 1) * count)
            yield Lived(episode, loading, ambient[DAY_MIN:, own], _cut(played, own))


def largest_ahead(hot_spot_c: Floats) -> Floats:
    """Largest of the `AHEAD_MIN` values after each row, shape [n, u]; NaN where not all of them are there."""
    found = np.full(hot_spot_c.shape, np.nan)
    if hot_spot_c.shape[0] > AHEAD_MIN:
        found[:-AHEAD_MIN] = sliding_window_view(hot_spot_c[1:], AHEAD_MIN, axis=0).max(axis=-1)
    return found


def _cut(played: Played, own: slice) -> Played:
    """The minutes after the run-in of one episode's transformers."""
    return Played(
        played.load_pu[DAY_MIN:, own],
        played.oil_c[DAY_MIN:, own],
        played.hot_spot_c[DAY_MIN:, own],
        played.hot_spot_ieee_c[DAY_MIN:, own],
        played.stage[DAY_MIN:, own],
    )
