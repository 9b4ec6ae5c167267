"""The swing equation, integrated for many episodes at once in fixed small steps.

2·H·dΔω/dt = P_dist + P_noise + P_gov + P_agc + P_shed − D·Δω, per unit of the system's load.

Frequency and powers are staggered: Δω stands at the steps' bounds, powers in their middle, where Δω is
extrapolated from the last two bounds. Both halves are exact for what they are given, so that the whole is of
second order in the step.

Quiet movement is not filtered through one linear model: the noise of load and generation is whatever makes the
frequency of the intact system follow the drawn process, P_noise = 2·H·da/dt + D·a − P_gov(a) − P_agc(a). It is
found by asking the same governors about a alone, beside a and the response x together:

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
        quiet_hz: Quiet departure from nominal at the seconds' bounds, Hz, shape [seconds + 1, e]; straight lines
            between.
        step_s: Step, a divisor of 0.1 s.
    """
    count, seconds = systems.episodes, quiet_hz.shape[0] - 1
    steps = round(1.0 / step_s)
    windows = round(WINDOW_S / step_s)
    quiet = quiet_hz / systems.nominal_hz
    push = power_of(disturbances, seconds * steps, step_s)
    leaving = _leaving(disturbances, step_s)
    governors, secondary = Governors(systems, 2, step_s), Secondary(systems, 2)
    shedding = Shedding(systems)
    inertia = systems.inertia_s.copy()
    fade, gain = _swing(systems.damping, inertia, step_s)
    x = np.zeros(count)
    # Row 0: a + x; row 1: a alone.
    now, before, ahead = np.empty(2 * count), np.empty(2 * count), np.empty(2 * count)
    now[:count] = now[count:] = quiet[0]
    before[:] = now
    found = {name: np.empty((seconds, count)) for name in _COLUMNS}
    rise = (np.arange(steps) + 1.0)[:, None] / steps
    force = np.empty(count)
    for second in range(seconds):
        secondary.second(second, now)
        agc, agc_quiet = secondary.power[:count], secondary.power[count:]
        path = quiet[second] + rise * (quiet[second + 1] - quiet[second])
        start = now[:count].copy()
        sum_x, sum_gov, sum_shed = np.zeros(count), np.zeros(2 * count), np.zeros(count)
        first = second * steps
        for k in range(steps):
            for episode, event in leaving.get(first + k, ()):
                inertia[episode] -= event.inertia_lost_s
                fade, gain = _swing(systems.damping, inertia, step_s)
                governors.lose(episode, event.governor_lost)
            # Δω in the middle of the step, from the last two bounds.
            np.multiply(now, 1.5, out=ahead)
            np.multiply(before, 0.5, out=before)
            np.subtract(ahead, before, out=ahead)
            given = governors.step(ahead)
            np.subtract(given[:count], given[count:], out=force)
            force += agc
            force -= agc_quiet
            force += push[first + k]
            force += shedding.shed
            force *= gain
            np.add(sum_x, x, out=sum_x)
            np.multiply(x, fade, out=x)
            np.add(x, force, out=x)
            np.add(sum_x, x, out=sum_x)
            np.add(sum_gov, given, out=sum_gov)
            np.add(sum_shed, shedding.shed, out=sum_shed)
            before, now = now, before
            now[count:] = path[k]
            np.add(x, path[k], out=now[:count])
            if (k + 1) % windows == 0:
                shedding.window(now[:count])
        mean_quiet = 0.5 * (quiet[second] + quiet[second + 1])
        mean = sum_x / (2 * steps) + mean_quiet
        slope = now[:count] - start
        governor, shed = sum_gov[:count] / steps, sum_shed / steps
        found["f_hz"][second] = systems.nominal_hz * (1.0 + mean)
        found["rocof_hz_s"][second] = systems.nominal_hz * slope
        found["inertia_s"][second] = inertia
        noise = 2.0 * inertia * (quiet[second + 1] - quiet[second]) + systems.damping * mean_quiet
        found["imbalance_pu"][second] = (
            np.add.reduce(push[first : first + steps], axis=0) / steps
            + noise
            - sum_gov[count:] / steps
            - agc_quiet
        )
        found["governor_pu"][second] = governor
        found["agc_pu"][second] = agc
        found["shed_pu"][second] = shed
    return Response(**found)


_COLUMNS = ("f_hz", "rocof_hz_s", "inertia_s", "imbalance_pu", "governor_pu", "agc_pu", "shed_pu")


def _swing(damping: Floats, inertia_s: Floats, step_s: float) -> tuple[Floats, Floats]:
    """Decay of Δω over a step, and what a constant power adds to it: the exact solution for that power."""
    rate = damping * step_s / (2.0 * inertia_s)
    gone = -np.expm1(-rate)
    safe = np.where(damping > 0.0, damping, 1.0)
    return 1.0 - gone, np.where(damping > 0.0, gone / safe, step_s / (2.0 * inertia_s))


def _leaving(
    disturbances: tuple[tuple[Disturbance, ...], ...], step_s: float
) -> dict[int, list[tuple[int, Disturbance]]]:
    """Units that leave, by the step at whose beginning they do."""
    found: dict[int, list[tuple[int, Disturbance]]] = {}
    for episode, events in enumerate(disturbances):
        for event in events:
            if event.inertia_lost_s or event.governor_lost:
                found.setdefault(round(event.onset_s / step_s), []).append((episode, event))
    return found
