"""Sources of voltage events at a substation, and how fast each gives them in each hour without memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.events.covariates import Hourly
from simulation.noise import Floats
from simulation.scenario.motor_start import weak_feeders
from substations.description import Feeder, Substation

CAUSES = ("fault", "motor_starting", "capacitor_switching", "load_rejection")

_YEAR_H = 8766.0
# Faults in a year: of a line by km of overhead conductor and of cable, below and above 100 kV, and on what
# others connect behind a feeder's end below 100 kV, by MW of its base load. Half of them are incipient. On
# the transmission grid as far as it is felt. (Orders of magnitude of published outage statistics, from common
# knowledge.)
_OVERHEAD_LOW, _OVERHEAD_HIGH, _CABLE_LOW, _CABLE_HIGH = 0.60, 0.10, 0.12, 0.04
_BEHIND_PER_MW = 0.85
_REMOTE = 80.0
# Events in a year at an average hour: starts of motors on a feeder by MW, switchings of a bank each way,
# loads that the grid loses.
_STARTS_PER_MW, _SWITCHINGS, _REJECTIONS = 1.8, 62.0, 18.0
# Hours at which shifts begin, and how many motors start then.
_SHIFTS = ((6.0, 1.0), (8.5, 0.8), (14.0, 0.8), (22.0, 0.5))
_SHIFT_H = 0.6


@dataclass(frozen=True, slots=True)
class Stream:
    """One source of events.

    Attributes:
        cause: Cause that the table names.
        source: `line`, `remote`, `motor`, `bank_in`, `bank_out` or `rejection`.
        row: Row of the feeder or the bank in the substation's description; −1 where there is none.
    """

    cause: str
    source: str
    row: int


def streams_of(substation: Substation) -> tuple[Stream, ...]:
    """All sources of events at a substation."""
    lines = [k for k, feeder in enumerate(substation.feeders) if feeder.line is not None]
    found = [Stream("fault", "line", k) for k in lines]
    found.append(Stream("fault", "remote", -1))
    found += [Stream("motor_starting", "motor", k) for k in weak_feeders(substation)]
    for way in ("bank_in", "bank_out"):
        found += [Stream("capacitor_switching", way, k) for k in range(len(substation.capacitors))]
    return (*found, Stream("load_rejection", "rejection", -1))


def baseline_per_h(substation: Substation, streams: tuple[Stream, ...], hourly: Hourly) -> Floats:
    """Intensity of each stream in each hour without the memory of incipient faults, 1/h, shape [h, s]."""
    columns = []
    for stream in streams:
        match stream.source:
            case "line":
                column = _line(substation, substation.feeders[stream.row], hourly, stream.row)
            case "remote":
                column = _REMOTE * (0.45 + 0.2 * hourly.wind_pu**2 + 0.3 * hourly.lightning_per_h)
            case "motor":
                column = _STARTS_PER_MW * substation.feeders[stream.row].base_mw * _starts(hourly)
            case "bank_in":
                column = _SWITCHINGS * _window(hourly, (7.0, 18.0)) * _ramp(hourly.ramp_pu_h)
            case "bank_out":
                column = _SWITCHINGS * _window(hourly, (13.0, 22.5)) * _ramp(-hourly.ramp_pu_h)
            case _:
                column = _REJECTIONS * (0.2 + hourly.load_pu**2 + 0.3 * hourly.lightning_per_h)
        columns.append(np.asarray(column) / _YEAR_H)
    return np.stack(columns, axis=1)


def behind_share(substation: Substation, feeder: Feeder) -> float:
    """Share of a feeder's faults that lies behind its end."""
    kv = substation.bus(feeder.bus).nominal_kv
    behind = _BEHIND_PER_MW * feeder.base_mw if kv < 100.0 else 0.0
    return behind / max(behind + sum(_own(feeder, kv)), 1e-12)


def _own(feeder: Feeder, kv: float) -> tuple[float, float]:
    """Faults of a feeder's line in a year: overhead, cable."""
    overhead, cable = (_OVERHEAD_LOW, _CABLE_LOW) if kv < 100.0 else (_OVERHEAD_HIGH, _CABLE_HIGH)
    length = feeder.length_km
    return overhead * length * feeder.overhead_share, cable * length * (1.0 - feeder.overhead_share)


def _line(substation: Substation, feeder: Feeder, hourly: Hourly, row: int) -> Floats:
    """Wind and lightning strike conductors in the air; heat and load age cables and joints."""
    kv = substation.bus(feeder.bus).nominal_kv
    overhead, cable = _own(feeder, kv)
    behind = _BEHIND_PER_MW * feeder.base_mw if kv < 100.0 else 0.0
    outdoors = 0.35 + 0.25 * hourly.wind_pu**3 + 0.5 * hourly.lightning_per_h
    indoors = 0.6 + 0.8 * hourly.heat * np.maximum(hourly.feeder_pu[:, row], 0.0)
    share = feeder.overhead_share
    return np.asarray(
        overhead * outdoors + cable * indoors + behind * (share * outdoors + (1 - share) * indoors)
    )


def _starts(hourly: Hourly) -> Floats:
    """Motors start when shifts begin, fewer on days of rest, more where heat asks for cooling and pumping."""
    shifts = sum(
        (share * np.exp(-((_apart(hourly, hour) / _SHIFT_H) ** 2)) for hour, share in _SHIFTS),
        start=np.zeros(hourly.t.size),
    )
    return np.asarray((0.25 + 6.0 * shifts * np.where(hourly.working, 1.0, 0.2)) * (1.0 + 0.6 * hourly.heat))


def _window(hourly: Hourly, hours: tuple[float, float]) -> Floats:
    """Banks are switched by schedule around two hours of the day."""
    return np.asarray(sum(np.exp(-((_apart(hourly, hour) / 1.2) ** 2)) for hour in hours))


def _ramp(rise_pu_h: Floats) -> Floats:
    """The steeper the load, the likelier a step is needed."""
    return np.asarray(0.6 + 30.0 * np.maximum(rise_pu_h, 0.0))


def _apart(hourly: Hourly, hour: float) -> Floats:
    return np.asarray((hourly.when.hour - hour + 12.0) % 24.0 - 12.0)
