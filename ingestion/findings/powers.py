"""What powers beside voltages and currents show: a wrong unit, a transformer turned round, swapped phases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_contracts.units import SHARE, apparent_ratio, near
from ingestion.findings.finding import FEWEST, Finding, Floats, Sampled
from ingestion.findings.levels import DECADES, NEGATIVE_SHARE

PHASES = ("a", "b", "c")
FIT, MISFIT = 0.03, 0.08
"""Powers fit V·I if they are off by less than the first share, and do not if by more than the second."""


@dataclass(frozen=True, slots=True)
class _Channels:
    """Voltages, currents, active and reactive powers of the three phases, SI units, each [rows]."""

    v: list[Floats]
    i: list[Floats]
    p: list[Floats]
    q: list[Floats]

    @classmethod
    def of(cls, sampled: Sampled) -> _Channels:
        """Those of a sample; empty where they are not mapped."""
        patterns = ("v_{}_v", "i_{}_a", "p_{}_w", "q_{}_var")
        return cls(*([sampled.values(pattern.format(x)) for x in PHASES] for pattern in patterns))


def of_powers(sampled: Sampled) -> Iterator[Finding]:
    """Powers beside V·I."""
    channels = _Channels.of(sampled)
    if any(not len(column) for column in (*channels.v, *channels.i)):
        return
    if all(len(column) for column in (*channels.p, *channels.q)):
        yield from _single_phases(sampled, channels)
    total_p, total_q = sampled.values("p_total_w"), sampled.values("q_total_var")
    if len(total_p):
        product = np.nansum([a * b for a, b in zip(channels.v, channels.i, strict=True)], axis=0)
        reactive = total_q if len(total_q) else np.zeros(len(total_p))
        yield from _scale(sampled, "p_total_w", np.hypot(total_p, reactive), product)
        negative = total_p[np.isfinite(total_p)] < 0.0
        if len(negative) >= FEWEST and negative.mean() > NEGATIVE_SHARE:
            yield _polarity(sampled, "p_total_w", "the total power is negative in nearly all rows", total_p)


def _scale(sampled: Sampled, name: str, power: Floats, product: Floats) -> Iterator[Finding]:
    usable = np.flatnonzero(np.isfinite(power) & (product > 0.0) & (power > 0.0))
    if len(usable) < FEWEST:
        return
    ratio = power[usable] / product[usable]
    for decade in DECADES:
        if near(ratio, decade, (0.3, 1.4)).mean() >= SHARE:
            yield sampled.error(
                "wrong_unit",
                name,
                f"the power is {np.median(ratio):.3g} times V·I in the median row, about {decade:g}",
                "correct the unit or ratio of the power, the voltage or the current in the mapping",
                int(usable[0]),
            )


def _single_phases(sampled: Sampled, channels: _Channels) -> Iterator[Finding]:
    for k, phase in enumerate(PHASES):
        ratio = apparent_ratio(channels.v[k], channels.i[k], channels.p[k], channels.q[k])
        yield from _scale(sampled, f"p_{phase}_w", np.nan_to_num(ratio), np.ones(len(ratio)))
    active = np.stack(channels.p)
    known = np.isfinite(active).all(axis=0) & (active != 0.0).all(axis=0)
    if known.sum() >= FEWEST:
        share = (active[:, known] > 0.0).mean(axis=1)
        for k, phase in enumerate(PHASES):
            others = np.delete(share, k)
            turned = (share[k] < 0.1 and (others > 0.9).all()) or (share[k] > 0.9 and (others < 0.1).all())
            if turned:
                text = (
                    f"the power of phase {phase} has the other sign than both other phases in nearly all rows"
                )
                yield _polarity(sampled, f"p_{phase}_w", text, active[k])
    yield from _swapped(sampled, channels)


def _polarity(sampled: Sampled, name: str, text: str, values: Floats) -> Finding:
    return sampled.error(
        "reversed_polarity",
        name,
        f"{text}: a current transformer connected the wrong way round",
        "set sign to -1 for this column, or add reversed_polarity to accept",
        int(np.flatnonzero(np.isfinite(values))[0]),
    )


def _swapped(sampled: Sampled, channels: _Channels) -> Iterator[Finding]:
    v, i = np.stack(channels.v), np.stack(channels.i)
    power = np.hypot(np.stack(channels.p), np.stack(channels.q))
    usable = np.isfinite(np.concatenate([v, i, power])).all(axis=0) & (np.concatenate([v, i]) > 0.0).all(
        axis=0
    )
    if usable.sum() < FEWEST:
        return
    v, i, power = v[:, usable], i[:, usable], power[:, usable]

    def misfit(order: tuple[int, ...]) -> float:
        product = v * i[list(order)]
        return float(np.median(np.abs(power - product) / product, axis=1).max())

    fits = {order: misfit(order) for order in itertools.permutations(range(3))}
    best = min(fits, key=lambda order: fits[order])
    if best != (0, 1, 2) and fits[best] < FIT and fits[(0, 1, 2)] > MISFIT:
        told = ", ".join(
            f"phase {PHASES[k]} has the current of {PHASES[best[k]]}" for k in range(3) if best[k] != k
        )
        yield sampled.error(
            "swapped_phases",
            "i_a_a",
            f"sqrt(P² + Q²) is off V·I by {fits[(0, 1, 2)]:.1%}, and by {fits[best]:.1%} if {told}",
            "exchange the columns of these phases in the mapping",
            int(np.flatnonzero(usable)[0]),
        )
