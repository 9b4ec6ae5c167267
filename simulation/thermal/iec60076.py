"""Thermal equations of IEC 60076-7: top oil and hot spot of a transformer, and the ageing of its paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from simulation.noise import Floats

AGEING_REFERENCE_C = 98.0
"""Hot-spot temperature at which paper that is not thermally upgraded ages at the rate 1."""


@dataclass(frozen=True, slots=True)
class Characteristics:
    """Thermal characteristics of a kind of transformer in one cooling stage.

    Attributes:
        oil_rise_k: Δθor, rise of the top oil at rated losses.
        gradient_k: Δθhr, hot spot above top oil at rated current.
        oil_exponent: x.
        winding_exponent: y.
        k11: Factor of the oil's time constant.
        k21: Overshoot of the gradient.
        k22: Factor of the gradient's time constants.
        tau_oil_min: τo.
        tau_winding_min: τw.
    """

    oil_rise_k: float
    gradient_k: float
    oil_exponent: float
    winding_exponent: float
    k11: float
    k21: float
    k22: float
    tau_oil_min: float
    tau_winding_min: float


# The standard's recommended values, as public implementations of it have them; those of ONAN power
# transformers and of OFAF are from common knowledge.
DISTRIBUTION_ONAN = Characteristics(55.0, 23.0, 0.8, 1.6, 1.0, 1.0, 2.0, 180.0, 4.0)
POWER_ONAN = Characteristics(52.0, 26.0, 0.8, 1.3, 0.5, 2.0, 2.0, 210.0, 10.0)
ONAF = Characteristics(52.0, 26.0, 0.8, 1.3, 0.5, 2.0, 2.0, 150.0, 7.0)
OFAF = Characteristics(56.0, 22.0, 1.0, 1.3, 1.0, 1.3, 1.0, 90.0, 7.0)


@dataclass(frozen=True, slots=True)
class Rated:
    """Characteristics of many transformers side by side, each in its present stage; any common shape.

    The attributes are those of `Characteristics`, in its order, and before them:

    Attributes:
        loss_ratio: R, load losses at the stage's rated current over no-load losses.
    """

    loss_ratio: Floats
    oil_rise_k: Floats
    gradient_k: Floats
    oil_exponent: Floats
    winding_exponent: Floats
    k11: Floats
    k21: Floats
    k22: Floats
    tau_oil_min: Floats
    tau_winding_min: Floats

    @classmethod
    def of(cls, loss_ratio: float, kind: Characteristics) -> Self:
        """One transformer of a kind."""
        return cls(*(np.asarray(value) for value in numbers(loss_ratio, kind)))


def numbers(loss_ratio: float, kind: Characteristics) -> tuple[float, ...]:
    """The values of a `Rated`, in its order."""
    return (
        loss_ratio,
        kind.oil_rise_k,
        kind.gradient_k,
        kind.oil_exponent,
        kind.winding_exponent,
        kind.k11,
        kind.k21,
        kind.k22,
        kind.tau_oil_min,
        kind.tau_winding_min,
    )


@dataclass(frozen=True, slots=True)
class State:
    """Temperatures; shapes as of the `Rated`.

    Attributes:
        oil_c: Top oil θo, °C.
        fast_k: First term of the gradient Δθh1, which follows the winding, K.
        slow_k: Second term Δθh2, which follows the oil's flow, K.
    """

    oil_c: Floats
    fast_k: Floats
    slow_k: Floats

    @property
    def hot_spot_c(self) -> Floats:
        """θh = θo + Δθh1 − Δθh2, °C."""
        return self.oil_c + self.fast_k - self.slow_k


def steady(rated: Rated, load_pu: Floats, ambient_c: Floats, energised: Floats | float = 1.0) -> State:
    """Where the temperatures end under a constant load.

    Args:
        rated: Characteristics.
        load_pu: K, load current over the stage's rated current.
        ambient_c: Air temperature, °C.
        energised: 1, or 0 for a transformer without voltage, which has no no-load losses.
    """
    losses = (1.0 + load_pu**2 * rated.loss_ratio) / (1.0 + rated.loss_ratio)
    gradient = rated.gradient_k * load_pu**rated.winding_exponent
    return State(
        oil_c=ambient_c + energised * rated.oil_rise_k * losses**rated.oil_exponent,
        fast_k=rated.k21 * gradient,
        slow_k=(rated.k21 - 1.0) * gradient,
    )


def step(rated: Rated, state: State, target: State, minutes: float) -> State:
    """The difference equations of IEC 60076-7, one step.

    Dθo = Dt/(k11·τo)·(target − θo), DΔθh1 = Dt/(k22·τw)·(target − Δθh1), DΔθh2 = Dt/(τo/k22)·(target − Δθh2).

    Args:
        rated: Characteristics.
        state: Temperatures before.
        target: What `steady` gives for the load and the air of the step.
        minutes: Dt; the standard asks for at most τw/2, see `substeps`.
    """
    return State(
        oil_c=state.oil_c + minutes / (rated.k11 * rated.tau_oil_min) * (target.oil_c - state.oil_c),
        fast_k=state.fast_k + minutes / (rated.k22 * rated.tau_winding_min) * (target.fast_k - state.fast_k),
        slow_k=state.slow_k + minutes * rated.k22 / rated.tau_oil_min * (target.slow_k - state.slow_k),
    )


def exponential(rated: Rated, state: State, target: State, minutes: float) -> State:
    """The exponential equations of IEC 60076-7: what the difference equations tend to as Dt becomes small."""

    def towards(now: Floats, end: Floats, tau: Floats) -> Floats:
        return np.asarray(end + (now - end) * np.exp(-minutes / tau), dtype=np.float64)

    return State(
        oil_c=towards(state.oil_c, target.oil_c, rated.k11 * rated.tau_oil_min),
        fast_k=towards(state.fast_k, target.fast_k, rated.k22 * rated.tau_winding_min),
        slow_k=towards(state.slow_k, target.slow_k, rated.tau_oil_min / rated.k22),
    )


def substeps(minutes: float, tau_winding_min: Floats) -> int:
    """Number of equal steps in `minutes` so that none is longer than half the smallest τw."""
    return int(np.ceil(minutes / (0.5 * float(np.min(tau_winding_min)))))


def ageing_rate(hot_spot_c: Floats) -> Floats:
    """Relative ageing rate V = 2^((θh − 98)/6) of paper that is not thermally upgraded, θh in °C.

    IEC 60076-7, from common knowledge: 1 at 98 °C, doubled every 6 K.
    """
    return np.asarray(np.exp2((hot_spot_c - AGEING_REFERENCE_C) / 6.0), dtype=np.float64)
