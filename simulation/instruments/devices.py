"""The instrument transformers of a substation: one for each phase of each point, the same in every episode.

Only their temperature and their burden change from one episode to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.instruments.transfer import CURRENT_TYPE, CUT, Device, normalised, voltage_type
from simulation.noise import Floats
from substations.description import Point, Substation
from switchyard.identity import generator


@dataclass(frozen=True, slots=True)
class Batch:
    """Devices of one type at some of a substation's points.

    Attributes:
        rows: Rows of the points, shape [g].
        devices: Their devices, elements of shape [g, 3, 1].
    """

    rows: NDArray[np.int64]
    devices: Device

    def moved(self, rng: np.random.Generator) -> Batch:
        """The same devices on another day."""
        return Batch(
            self.rows, self.devices.moved(_factors(rng, self.devices.movement, (self.rows.size, 3, 1)))
        )


@dataclass(frozen=True, slots=True)
class Transfers:
    """The devices of all points of a substation.

    Attributes:
        points: Number of points.
        nominal_hz: Nominal frequency.
        voltage: Voltage transformers.
        current: Current transformers.
    """

    points: int
    nominal_hz: float
    voltage: tuple[Batch, ...]
    current: tuple[Batch, ...]

    @classmethod
    def of(cls, substation: Substation) -> Transfers:
        """The substation's own devices: the same in every campaign."""
        nominal, points = float(substation.frequency_hz), substation.points
        kinds: dict[tuple[str, float], list[int]] = {}
        for row, point in enumerate(points):
            kinds.setdefault((point.vt_kind, point.nominal_kv), []).append(row)
        voltage = tuple(
            _batch(substation.name, points, rows, voltage_type(kind, kv, nominal), "vt")
            for (kind, kv), rows in kinds.items()
        )
        current = _batch(substation.name, points, list(range(len(points))), CURRENT_TYPE, "ct")
        return cls(len(points), nominal, voltage, (current,))

    def on_a_day(self, rng: np.random.Generator) -> Transfers:
        """The same devices with one episode's burdens and temperatures."""
        return replace(
            self,
            voltage=tuple(batch.moved(rng) for batch in self.voltage),
            current=tuple(batch.moved(rng) for batch in self.current),
        )

    def of_voltage(self, f_hz: Floats) -> Complexes:
        """Transfer functions of the voltage transformers, shape [p, 3, f]."""
        return self._of(self.voltage, f_hz)

    def of_current(self, f_hz: Floats) -> Complexes:
        """Transfer functions of the current transformers, shape [p, 3, f]."""
        return self._of(self.current, f_hz)

    def _of(self, batches: tuple[Batch, ...], f_hz: Floats) -> Complexes:
        out = np.empty((self.points, 3, f_hz.size), dtype=np.complex128)
        for batch in batches:
            out[batch.rows] = normalised(batch.devices, f_hz, self.nominal_hz)
        return out


def _batch(substation: str, points: tuple[Point, ...], rows: list[int], kind: Device, what: str) -> Batch:
    drawn = [_factors(generator(substation, points[row].id, what), kind.scatter, (3, 1)) for row in rows]
    return Batch(np.array(rows), kind.scattered(np.stack(drawn, axis=1)))


def _factors(rng: np.random.Generator, deviations: tuple[float, ...], shape: tuple[int, ...]) -> Floats:
    """Log-normal factors, one for each deviation and device, shape [deviations, *shape]."""
    drawn = np.clip(rng.standard_normal((len(deviations), *shape)), -CUT, CUT)
    spread = np.array(deviations).reshape(-1, *(1,) * len(shape))
    return np.asarray(np.exp(spread * drawn))
