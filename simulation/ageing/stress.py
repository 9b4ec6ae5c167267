"""What each piece of equipment goes through on each day: load, temperature, ageing, harmonics and faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ageing.kinds import KINDS
from simulation.ageing.paths import bus_reactance_ohm, station_paths
from simulation.ageing.thermal import (
    ageing_rate,
    conductor_temperature,
    equivalent_load,
    transformer_hot_spot,
)
from simulation.demand import FeederLoads
from simulation.events.intensity import Campaign
from simulation.noise import Floats, autoregressive
from substations.description import Substation
from switchyard.identity import generator

_PER_HOUR, _HOURS = 4, 24
# F_HL by the classes of customers behind a bay: drives, rectifiers and inverters; its slow wandering.
_F_HL = {"residential": 1.9, "commercial": 2.8, "industrial": 4.2, "agricultural": 1.4}
_F_SPREAD, _F_DAYS = 0.15, 20.0
# Reactance of feeders; resistance of arc and foot; how long faults last, and arcs that die by themselves.
_OVERHEAD_OHM_KM, _CABLE_OHM_KM, _ARC_OHM = 0.37, 0.13, 2.0
_CLEARING_S, _CLEARING_SPREAD, _INCIPIENT_S = 0.11, 0.5, (0.010, 0.040)


@dataclass(frozen=True, slots=True)
class Stress:
    """Stress of a pieces of equipment on d days; every array has shape [d, a] unless said otherwise.

    Attributes:
        ambient_c: Mean temperature of the air, °C, shape [d].
        load_pu: Mean of the hourly load over rated load.
        peak_pu: Largest hour of it.
        swing_pu: Standard deviation of it over the day.
        hot_c: Largest hourly hot-spot, or temperature of the hottest conductor, °C.
        ageing: Mean relative ageing rate over the day.
        harmonic: Harmonic loss factor F_HL.
        faults: Number of through-faults.
        i2t_ka2s: Sum of I²t of the through-faults, kA²s.
        i2t_pu: The same over the rated short-time withstand of one second.
    """

    ambient_c: Floats
    load_pu: Floats
    peak_pu: Floats
    swing_pu: Floats
    hot_c: Floats
    ageing: Floats
    harmonic: Floats
    faults: Floats
    i2t_ka2s: Floats
    i2t_pu: Floats

    @classmethod
    def joined(cls, parts: list[Stress]) -> Stress:
        """Stretches of days one after the other."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS})


_FIELDS = tuple(Stress.__dataclass_fields__)


def station_stress(
    substation: Substation, loads: FeederLoads, source_mva: float, campaign: str, seed: int
) -> Stress:
    """Stress of a station's equipment, sorted by name, over the days of `loads`.

    Through-faults are the faults of the same campaign's voltage events on the station's own feeders; their
    current is the source's voltage over the reactance of source, transformers and line, and an arc.

    Args:
        substation: Its description.
        loads: Load of its feeders and the weather, whole days.
        source_mva: Short-circuit power of the grid at the station.
        campaign: Name of the campaign that `loads` were drawn for.
        seed: Its seed.
    """
    assets = sorted(substation.assets, key=lambda asset: asset.id)
    paths = station_paths(substation, assets)
    days = loads.t.size // (_PER_HOUR * _HOURS)
    s_va = _hourly(np.hypot(loads.p_w, loads.q_var))
    ambient = _hourly(loads.weather.ambient_c[:, None])[:, 0]
    rng = generator(substation.name, campaign, str(seed), "harmonic_heating")
    wander = np.exp(autoregressive(rng, days, len(assets), sigma=_F_SPREAD, memory=_F_DAYS))
    mixes = np.array(
        [sum(f * getattr(feeder.mix, c) for c, f in _F_HL.items()) for feeder in substation.feeders]
    )
    shape = (days, len(assets))
    found = {
        name: np.empty(shape) for name in ("load_pu", "peak_pu", "swing_pu", "hot_c", "ageing", "harmonic")
    }
    for a, (asset, path) in enumerate(zip(assets, paths, strict=True)):
        kind = KINDS[asset.kind]
        passing = path.weights * np.array([feeder.base_mw for feeder in substation.feeders])
        level = float(passing @ mixes / passing.sum()) if passing.any() else 1.2
        harmonic = 1.0 + (level - 1.0) * wander[:, a]
        k = path.constant_pu + s_va @ path.weights / path.rated_va
        heating = equivalent_load(k, np.repeat(harmonic, _HOURS))
        hot = (
            transformer_hot_spot(ambient, heating)
            if kind.gases
            else conductor_temperature(ambient, heating, kind.rise_k)
        )
        daily = k.reshape(days, _HOURS)
        found["load_pu"][:, a], found["peak_pu"][:, a] = daily.mean(axis=1), daily.max(axis=1)
        found["swing_pu"][:, a] = daily.std(axis=1)
        found["hot_c"][:, a] = hot.reshape(days, _HOURS).max(axis=1)
        found["ageing"][:, a] = ageing_rate(hot, kind.reference_c).reshape(days, _HOURS).mean(axis=1)
        found["harmonic"][:, a] = harmonic
    day, feeder, i_ka, seconds = _faults(substation, loads, source_mva, campaign, seed)
    carries = np.stack([path.carries for path in paths], axis=1)
    withstand = np.array([path.withstand_ka for path in paths])
    current = i_ka[:, None] * carries[feeder]
    faults, i2t = np.zeros(shape), np.zeros(shape)
    np.add.at(faults, day, (current > 0.0).astype(np.float64))
    np.add.at(i2t, day, current**2 * seconds[:, None])
    return Stress(
        ambient_c=ambient.reshape(days, _HOURS).mean(axis=1),
        faults=faults,
        i2t_ka2s=i2t,
        i2t_pu=i2t / withstand**2,
        **found,
    )


def _hourly(values: Floats) -> Floats:
    return np.asarray(values.reshape(-1, _PER_HOUR, values.shape[1]).mean(axis=1))


def _faults(
    substation: Substation, loads: FeederLoads, source_mva: float, campaign: str, seed: int
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]], Floats, Floats
]:
    """Faults on the station's feeders: day, row of the feeder, current in kA, duration in s, [n] each."""
    events = Campaign.of(substation, loads, campaign, seed)
    rows = np.array([stream.row if stream.source == "line" else -1 for stream in events.streams])
    mine = rows[events.arrivals.stream] >= 0
    feeder = rows[events.arrivals.stream][mine]
    rng = generator(substation.name, campaign, str(seed), "through_faults")
    drawn = rng.random((3, feeder.size))
    x_bus = np.array([bus_reactance_ohm(substation, f.bus, source_mva) for f in substation.feeders])
    x_km = np.array(
        [
            f.length_km * (f.overhead_share * _OVERHEAD_OHM_KM + (1.0 - f.overhead_share) * _CABLE_OHM_KM)
            for f in substation.feeders
        ]
    )
    kv = np.array([substation.bus(f.bus).nominal_kv for f in substation.feeders])
    arc = -_ARC_OHM * np.log1p(-drawn[1])
    z = np.hypot(x_bus[feeder] + drawn[0] * x_km[feeder], arc)
    seconds = np.where(
        events.arrivals.incipient[mine],
        _INCIPIENT_S[0] + drawn[2] * (_INCIPIENT_S[1] - _INCIPIENT_S[0]),
        _CLEARING_S * np.exp(_CLEARING_SPREAD * rng.standard_normal(feeder.size)),
    )
    day = (events.arrivals.hours[mine] / _HOURS).astype(np.int64)
    return day, feeder, kv[feeder] / np.sqrt(3.0) / z, seconds
