"""Who feeds what: busbar sections, the transformers that share their load, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from substations.description import Substation, Transformer, Winding

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Section:
    """Busbars that closed couplers join, below transformers.

    Attributes:
        transformers: Positions of the transformers that feed it, in parallel.
        shares: Share of each in the section's load, shape as `transformers`; they sum to 1.
        feeders: Positions of its feeders.
        below: Sections whose transformers hang on this one, as positions in the list that holds this one,
            and the share of each of them that it carries.
        bank_mvar: Size of each step of its capacitor banks.
    """

    transformers: tuple[int, ...]
    shares: tuple[float, ...]
    feeders: tuple[int, ...]
    below: tuple[tuple[int, float], ...]
    bank_mvar: tuple[float, ...]


def sections(substation: Substation, out: int | None = None) -> tuple[Section, ...]:
    """The sections from the lowest voltage up; each comes after those that hang on it.

    Args:
        substation: Description; a transformer's second-highest voltage is the one that it feeds.
        out: Position of a transformer out of service. Couplers beside the busbar that it fed are closed then.
    """
    root = _joined(substation, out)
    units = substation.transformers
    fed: dict[str, list[int]] = {}
    for k, unit in enumerate(units):
        if k != out:
            fed.setdefault(root[_sides(unit)[1].bus], []).append(k)
    level = {name: _sides(units[own[0]])[1].nominal_kv for name, own in fed.items()}
    names = sorted(fed, key=lambda name: (level[name], name))
    shares = {name: _shares([units[k] for k in fed[name]]) for name in names}

    def hanging(name: str) -> tuple[tuple[int, float], ...]:
        carried = [
            (
                place,
                sum(
                    share
                    for k, share in zip(fed[other], shares[other], strict=True)
                    if root[_sides(units[k])[0].bus] == name
                ),
            )
            for place, other in enumerate(names)
            if other != name
        ]
        return tuple((place, share) for place, share in carried if share > 0.0)

    return tuple(
        Section(
            transformers=tuple(fed[name]),
            shares=shares[name],
            feeders=tuple(k for k, feeder in enumerate(substation.feeders) if root[feeder.bus] == name),
            below=hanging(name),
            bank_mvar=tuple(
                bank.mvar / bank.steps
                for bank in substation.capacitors
                if root[bank.bus] == name
                for _ in range(bank.steps)
            ),
        )
        for name in names
    )


def can_be_out(substation: Substation) -> tuple[int, ...]:
    """Transformers whose loss leaves no feeder without supply."""
    supplied = _supplied(sections(substation))
    return tuple(
        k for k in range(len(substation.transformers)) if _supplied(sections(substation, k)) == supplied
    )


def flows(found: tuple[Section, ...], s_va: Complex) -> list[Complex]:
    """Complex power through the transformers of each section together, shape [n] each.

    Banks are switched in, step by step, as long as the section does not give off reactive power. The
    transformers' own losses are left out.

    Args:
        found: Sections.
        s_va: Power of the feeders, VA, shape [n, f].
    """
    through: list[Complex] = []
    for section in found:
        total = s_va[:, list(section.feeders)].sum(axis=1)
        for place, share in section.below:
            total = total + share * through[place]
        for mvar in section.bank_mvar:
            total = total - 1e6j * mvar * (total.imag >= 1e6 * mvar)
        through.append(total)
    return through


def transformer_mva(found: tuple[Section, ...], through: list[Complex], count: int) -> Floats:
    """Apparent power of each of `count` transformers, MVA, shape [n, count]; 0 where it feeds nothing."""
    load = np.zeros((len(through[0]), count))
    for section, total in zip(found, through, strict=True):
        for k, share in zip(section.transformers, section.shares, strict=True):
            load[:, k] = np.abs(total) * share / 1e6
    return load


def _joined(substation: Substation, out: int | None) -> dict[str, str]:
    """The name of the section of every bus: that of its first bus."""
    lost = _sides(substation.transformers[out])[1].bus if out is not None else None
    root = {bus.id: bus.id for bus in substation.buses}
    for coupler in substation.couplers:
        if coupler.closed or lost in coupler.buses:
            one, two = (root[name] for name in coupler.buses)
            root = {bus: one if name == two else name for bus, name in root.items()}
    return root


def _supplied(found: tuple[Section, ...]) -> set[int]:
    return {feeder for section in found for feeder in section.feeders}


def _sides(unit: Transformer) -> tuple[Winding, Winding]:
    upper, lower = sorted(unit.windings, key=lambda winding: -winding.nominal_kv)[:2]
    return upper, lower


def _shares(units: list[Transformer]) -> tuple[float, ...]:
    """Parallel transformers share by their admittances."""
    weights = [unit.windings[0].rated_mva / unit.x_hl_pct for unit in units]
    return tuple(weight / sum(weights) for weight in weights)
