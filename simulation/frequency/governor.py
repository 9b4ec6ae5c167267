"""Primary control: dead band, droop, reserve limits and turbines of several groups, step by step."""

from __future__ import annotations

import numpy as np

from simulation.frequency.system import Systems
from simulation.noise import Floats


class Governors:
    """Governor groups of several systems, each of which sees several frequencies.

    A stage (1 + αT·s)/(1 + T·s) is α beside the share 1 − α behind a lag. The lag is advanced by its exact
    solution for an input that moves in a straight line within the step, so that T may be far below the step,
    or zero. Columns are the frequencies: those of the first row of systems, then those of the next.
    """

    def __init__(self, systems: Systems, rows: int, step_s: float) -> None:
        """Governors at rest.

        Args:
            systems: Their data.
            rows: How many frequencies each system's governors are asked about.
            step_s: Step of integration, s.
        """
        self._rows = rows

        def wide(values: Floats) -> Floats:
            return np.ascontiguousarray(np.tile(values, rows))

        self._slope = wide(-systems.gain)
        self._band = wide(systems.dead_band)
        self._band_below = -self._band
        self._up, self._down = wide(systems.up), wide(-systems.down)
        lag, self._lead = wide(systems.lag_s), wide(systems.lead)
        # α of the first stage and of the second; the lags carry the shares 1 − α.
        ratio = np.divide(step_s, lag, out=np.full_like(lag, np.inf), where=lag > 0.0)
        self._fade = np.exp(-ratio)
        gone = 1.0 - self._fade
        share = 1.0 - self._lead
        self._new = share * (1.0 - gone / ratio)
        self._old = share * (gone / ratio - self._fade)
        shape = self._slope.shape
        self._stage = np.zeros((2, *shape))
        self._command, self._before = np.zeros(shape), np.zeros(shape)
        self._middle, self._middle_before = np.zeros(shape), np.zeros(shape)
        self._buffer, self._out = np.zeros(shape), np.zeros(shape)
        self._total = np.zeros(shape[1])

    def step(self, deviation: Floats) -> Floats:
        """Advance by one step to the instant at which the frequencies deviate so.

        Args:
            deviation: Δω, pu, shape [rows · e].

        Returns:
            Power of all groups together, pu, shape [rows · e]; a buffer that the next step writes over.
        """
        self._command, self._before = self._before, self._command
        self._middle, self._middle_before = self._middle_before, self._middle
        command, buffer, out = self._command, self._buffer, self._out
        np.maximum(deviation, self._band_below, out=buffer)
        np.minimum(buffer, self._band, out=buffer)
        np.subtract(deviation, buffer, out=command)
        np.multiply(command, self._slope, out=command)
        np.maximum(command, self._down, out=command)
        np.minimum(command, self._up, out=command)
        self._through(0, command, self._before, self._middle)
        self._through(1, self._middle, self._middle_before, out)
        return np.add.reduce(out, axis=0, out=self._total)

    def _through(self, stage: int, new: Floats, old: Floats, out: Floats) -> None:
        lag, buffer = self._stage[stage], self._buffer
        np.multiply(lag, self._fade[stage], out=lag)
        np.multiply(old, self._old[stage], out=buffer)
        np.add(lag, buffer, out=lag)
        np.multiply(new, self._new[stage], out=buffer)
        np.add(lag, buffer, out=lag)
        np.multiply(new, self._lead[stage], out=buffer)
        np.add(lag, buffer, out=out)

    def lose(self, episode: int, share: float) -> None:
        """A share of every group of one system leaves with a tripped unit, and with it what it gave."""
        left = 1.0 - share
        columns = slice(episode, None, self._slope.shape[1] // self._rows)
        for each in (self._slope, self._up, self._down, self._command, self._middle):
            each[:, columns] *= left
        self._stage[:, :, columns] *= left
