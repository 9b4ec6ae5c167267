"""The swing equation, integrated for many episodes at once in fixed small steps.

2·H·dΔω/dt = P_dist + P_noise + P_gov + P_agc + P_shed − D·Δω, per unit of the system's load.

Frequency and powers are staggered: Δω stands at the steps' bounds, powers in their middle, where Δω is
extrapolated from the last two bounds. Both halves are exact for what they are given, so that the whole is of
second order in the step.

Quiet movement is not filtered through one linear model: the noise of load and generation is whatever makes
the frequency of the undisturbed system follow the drawn process a,
P_noise = 2·H·da/dt + D·a − P_gov(a) − P_agc(a). It is found by asking the same governors about a alone,
beside a and the response x together:

2·H·dx/dt = P_dist + [P_gov(a + x) − P_gov(a)] + [P_agc(a + x) − P_agc(a)] + P_shed − D·x

so that quiet seconds have exactly the statistics of a in every system, and governors see all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.frequency.disturbance import Disturbance, power_of
from simulation.frequency.governor import Governors
from simulation.frequency.secondary import Secondary
from simulation.frequency.shedding import WINDOW_S, Shedding
from simulation.frequency.system import Systems
from simulation.noise import Floats

STEP_S = 0.05

_Leaving = tuple[int, Disturbance]


@dataclass(frozen=True, slots=True)
class Response:
    """What the systems did, means over whole seconds, shape [seconds, e].

    Attributes:
        f_hz: Frequency.
        rocof_hz_s: Its rate of change.
        inertia_s: Inertia constant.
        imbalance_pu: Disturbance and noise before all control.
        governor_pu, agc_pu: Primary and secondary response.
        shed_pu: Load shed.
    """

    f_hz: Floats
    rocof_hz_s: Floats
    inertia_s: Floats
    imbalance_pu: Floats
    governor_pu: Floats
    agc_pu: Floats
    shed_pu: Floats


def respond(
    systems: Systems,
    disturbances: tuple[tuple[Disturbance, ...], ...],
    quiet_hz: Floats,
    step_s: float = STEP_S,
) -> Response:
    """Integrate all systems from rest.

    Args:
        systems: What answers, e systems.
        disturbances: What happens in each of them; onsets are rounded to the step.
        quiet_hz: Quiet departure from nominal at the seconds' bounds, Hz, shape [seconds + 1, e]; straight
            lines between.
        step_s: Step, a divisor of 0.1 s.
    """
    quiet = quiet_hz / systems.nominal_hz
    steps = round(1.0 / step_s)
    push = power_of(disturbances, (quiet.shape[0] - 1) * steps, step_s)
    leaving = _leaving(disturbances, step_s)
    run = _Integration(systems, quiet[0], step_s)
    found = []
    for second in range(quiet.shape[0] - 1):
        first = second * steps
        gone = {k: leaving[first + k] for k in range(steps) if first + k in leaving}
        found.append(run.second(second, quiet[second], quiet[second + 1], push[first : first + steps], gone))
    return Response(*np.stack(found, axis=1))


class _Integration:
    """State of all systems between two steps."""

    def __init__(self, systems: Systems, quiet: Floats, step_s: float) -> None:
        count = systems.episodes
        self._systems, self._step_s = systems, step_s
        self._governors, self._secondary = Governors(systems, 2, step_s), Secondary(systems, 2)
        self._shedding = Shedding(systems)
        self._inertia = systems.inertia_s.copy()
        self._fade, self._gain = _swing(systems.damping, self._inertia, step_s)
        self._x = np.zeros(count)
        # The first half: a + x; the second: a alone.
        self._now = np.concatenate([quiet, quiet])
        self._before = self._now.copy()

    def second(
        self, number: int, quiet: Floats, quiet_end: Floats, push: Floats, gone: dict[int, list[_Leaving]]
    ) -> Floats:
        """Advance by one second; rows in the order of the response's fields, shape [7, e]."""
        steps, count = push.shape[0], self._x.size
        shedding, x = self._shedding, self._x
        self._secondary.second(number, self._now)
        agc, agc_quiet = self._secondary.power[:count], self._secondary.power[count:]
        path = quiet + (np.arange(steps) + 1.0)[:, None] / steps * (quiet_end - quiet)
        start = self._now[:count].copy()
        sum_x, sum_given, sum_shed = np.zeros(count), np.zeros(2 * count), np.zeros(count)
        windows = round(WINDOW_S / self._step_s)
        for k in range(steps):
            for leaving in gone.get(k, ()):
                self._lose(leaving)
            given = self._governors.step(self._ahead())
            force = given[:count] - given[count:]
            force += agc
            force -= agc_quiet
            force += push[k]
            force += shedding.shed
            force *= self._gain
            sum_x += x
            x *= self._fade
            x += force
            sum_x += x
            sum_given += given
            sum_shed += shedding.shed
            self._before, self._now = self._now, self._before
            self._now[count:] = path[k]
            np.add(x, path[k], out=self._now[:count])
            if (k + 1) % windows == 0:
                shedding.window(self._now[:count])
        f0, damping, middle = self._systems.nominal_hz, self._systems.damping, 0.5 * (quiet + quiet_end)
        noise = 2.0 * self._inertia * (quiet_end - quiet) + damping * middle - agc_quiet
        return np.stack(
            [
                f0 * (1.0 + middle + sum_x / (2 * steps)),
                f0 * (self._now[:count] - start),
                self._inertia,
                np.add.reduce(push, axis=0) / steps + noise - sum_given[count:] / steps,
                sum_given[:count] / steps,
                agc,
                sum_shed / steps,
            ]
        )

    def _ahead(self) -> Floats:
        """Deviations in the middle of the coming step, from those at the last two bounds."""
        before = self._before
        np.multiply(before, -0.5, out=before)
        np.add(before, 1.5 * self._now, out=before)
        return before

    def _lose(self, leaving: _Leaving) -> None:
        episode, event = leaving
        self._inertia[episode] -= event.inertia_lost_s
        self._fade, self._gain = _swing(self._systems.damping, self._inertia, self._step_s)
        self._governors.lose(episode, event.governor_lost)


def _swing(damping: Floats, inertia_s: Floats, step_s: float) -> tuple[Floats, Floats]:
    """Decay of Δω over a step, and what a constant power adds to it: the exact solution for that power."""
    rate = damping * step_s / (2.0 * inertia_s)
    gone = -np.expm1(-rate)
    safe = np.where(damping > 0.0, damping, 1.0)
    return 1.0 - gone, np.where(damping > 0.0, gone / safe, step_s / (2.0 * inertia_s))


def _leaving(disturbances: tuple[tuple[Disturbance, ...], ...], step_s: float) -> dict[int, list[_Leaving]]:
    """Units that leave, by the step at whose beginning they do."""
    found: dict[int, list[_Leaving]] = {}
    for episode, events in enumerate(disturbances):
        for event in events:
            if event.inertia_lost_s or event.governor_lost:
                found.setdefault(round(event.onset_s / step_s), []).append((episode, event))
    return found
