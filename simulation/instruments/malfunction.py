"""Instruments that do not say what their accuracy class promises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats

# How often a spiking input spikes again and a loose contact opens, per second.
_SPIKE_RATE, _LOOSE_RATE = 0.12, 0.6


@dataclass(frozen=True, slots=True)
class Malfunction:
    """What one measurement point's inputs do to what they measure; most are inputs of voltage.

    Attributes:
        point: Row of the point.
        gain: Factor on the voltage of each phase in each second, shape [t, 3].
        wiring: Phase that each input is really connected to; (0, 1, 2) is right.
        held_from: Second from which registers stand still; −1 where none does.
        held: Phases whose voltage registers stand still, shape [3]; all of them: the whole meter does.
        current_gain: Complex factor on the current of each phase, shape [3]; None where it is right.
    """

    point: int
    gain: Floats
    wiring: tuple[int, int, int] = (0, 1, 2)
    held_from: int = -1
    held: tuple[bool, bool, bool] = (False, False, False)
    current_gain: tuple[complex, complex, complex] | None = None


def drift(seconds: int, already: float, phase: int, point: int, excess: float) -> Malfunction:
    """One phase's ratio drifts: by the share `already` of `excess` at first, by all of it at the end."""
    gain = np.ones((seconds, 3))
    gain[:, phase] += excess * (already + (1.0 - already) * np.arange(1, seconds + 1) / seconds)
    return Malfunction(point, gain)


def stuck(v_abs: Floats, begin: int, phases: tuple[int, ...], point: int, excess: float) -> Malfunction:
    """Voltage registers stand still at an earlier value, by the fraction `excess` beside that at `begin`.

    Args:
        v_abs: True voltages of the point in each second, V, shape [t, 3].
        begin: Second from which they stand still.
        phases: Phases concerned; all three stop the whole meter.
        point: Row of the point.
        excess: Distance of the held value from the true one at `begin`, as a fraction.
    """
    gain = np.ones_like(v_abs)
    chosen = list(phases)
    gain[begin:, chosen] = (1.0 + excess) * v_abs[begin, chosen] / v_abs[begin:, chosen]
    held = tuple(phase in phases for phase in range(3))
    return Malfunction(point, gain, held_from=begin, held=(held[0], held[1], held[2]))


def spike(
    rng: np.random.Generator, span: tuple[int, int], phase: int, point: int, excess: float
) -> Malfunction:
    """Single seconds in which one phase is wrong by up to `excess`; the first of them by all of it.

    Args:
        rng: Source of randomness.
        span: Length of the episode and the first second with a spike.
        phase: Phase concerned.
        point: Row of the point.
        excess: Largest relative error.
    """
    seconds, begin = span
    gain = np.ones((seconds, 3))
    later = begin + 1 + np.flatnonzero(rng.random(seconds - begin - 1) < _SPIKE_RATE)
    gain[begin, phase] += excess
    gain[later, phase] += excess * rng.uniform(0.4, 1.0, later.size) * rng.choice([-1.0, 1.0], later.size)
    return Malfunction(point, gain)


def dead(rng: np.random.Generator, span: tuple[int, int], phase: int, point: int, loss: float) -> Malfunction:
    """The secondary loses contact for a part of every half-cycle, in some seconds.

    What is left of a half-cycle's RMS after losing the share d of its energy is √(1 − d). The loss of RMS is
    drawn; it is `loss` in the first of these seconds and less in the others.

    Args:
        rng: Source of randomness.
        span: Length of the episode and the first second with a loss.
        phase: Phase concerned.
        point: Row of the point.
        loss: Largest relative loss of RMS.
    """
    seconds, begin = span
    gain = np.ones((seconds, 3))
    hit = begin + np.flatnonzero(rng.random(seconds - begin) < _LOOSE_RATE)
    gain[hit, phase] -= loss * rng.uniform(0.3, 1.0, hit.size)
    gain[begin, phase] = 1.0 - loss
    return Malfunction(point, gain)


def swapped(seconds: int, phases: tuple[int, int], point: int) -> Malfunction:
    """Two phases of the voltage transformers are connected to each other's input."""
    wiring = [0, 1, 2]
    wiring[phases[0]], wiring[phases[1]] = phases[1], phases[0]
    return Malfunction(point, np.ones((seconds, 3)), wiring=(wiring[0], wiring[1], wiring[2]))


def blown_fuse(seconds: int, begin: int, phase: int, point: int, *, left: float) -> Malfunction:
    """A fuse has blown: the other phases' burden leaves the fraction `left` of the voltage on its input."""
    gain = np.ones((seconds, 3))
    gain[begin:, phase] = left
    return Malfunction(point, gain)
