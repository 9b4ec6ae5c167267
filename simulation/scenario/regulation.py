"""On-load tap changers and switched capacitors: what they hold, and where they come to rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.engine import Engine, Source
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError, SimulationError
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.sequence import sequence_components
from substations.description import Substation, Transformer

_SET_HIGH_PU, _SET_LOW_PU = 1.01, 1.02
DEADBAND_PU = 0.010
TAP_DELAY_S = 30.0
BANK_DELAY_S = 20.0
# A bank step is switched when the reactive power at its transformer passes this share of the step.
BANK_SHARE = 0.75
# Tap changers are blocked on a busbar below this voltage.
_ALIVE_PU = 0.5
_SETTLE_ROUNDS, _BOLD_ROUNDS = 40, 12
# The bus' voltage follows the internal one by nine tenths and more (loads of constant power behind an
# impedance of at most a tenth of theirs): a correction by a miss of this size leaves less than a tenth of it.
_NEAR_PU = 1.5e-3


@dataclass(frozen=True, slots=True)
class TapGroup:
    """Transformers that step together because their regulated busbars are coupled.

    Attributes:
        transformers: Their names.
        buses: Regulated buses.
        base_v: Phase-to-neutral nominal voltage there.
        set_pu: Voltage that is held.
        steps: Number of positions.
        step_pu: Voltage change by one position.
    """

    transformers: tuple[str, ...]
    buses: tuple[str, ...]
    base_v: float
    set_pu: float
    steps: int
    step_pu: float


@dataclass(frozen=True, slots=True)
class Bank:
    """A capacitor bank switched by the reactive power of the transformer that feeds its busbar.

    Attributes:
        name: Its name.
        steps: Number of steps.
        step_var: Reactive power of one step.
        point: Row of the measurement point whose reactive power is watched; −1 where there is none.
    """

    name: str
    steps: int
    step_var: float
    point: int


@dataclass(frozen=True, slots=True)
class Regulators:
    """All regulators of a substation."""

    groups: tuple[TapGroup, ...]
    banks: tuple[Bank, ...]


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the regulators stand: a tap position for each group, a number of steps for each bank."""

    taps: tuple[int, ...]
    steps: tuple[int, ...]


def regulators_of(substation: Substation, out: Transformer | None = None) -> Regulators:
    """Group the tap changers by coupled busbars and find what each bank watches.

    Args:
        substation: Description.
        out: Transformer out of service: couplers beside the busbar that it fed are closed, its tap changer
            stands still, and a bank that watches its bay watches nothing.
    """
    lost, gone = (out.windings[1].bus, out.element) if out is not None else ("", "")
    joined = {bus.id: bus.id for bus in substation.buses}
    for coupler in substation.couplers:
        if coupler.closed or lost in coupler.buses:
            one, other = (joined[bus] for bus in coupler.buses)
            joined = {bus: one if root == other else root for bus, root in joined.items()}
    by_root: dict[str, list[int]] = {}
    for k, transformer in enumerate(substation.transformers):
        if transformer.taps is not None and transformer.element != gone:
            by_root.setdefault(joined[transformer.windings[1].bus], []).append(k)
    groups = []
    for members in by_root.values():
        transformers = [substation.transformers[k] for k in members]
        kv, taps = transformers[0].windings[1].nominal_kv, transformers[0].taps
        if taps is None:
            raise SimulationError(f"{transformers[0].id} has no tap changer", "describe its taps")
        groups.append(
            TapGroup(
                tuple(t.id for t in transformers),
                tuple(t.windings[1].bus for t in transformers),
                kv * 1e3 / np.sqrt(3.0),
                _SET_HIGH_PU if kv > 100.0 else _SET_LOW_PU,
                min(t.taps.steps for t in transformers if t.taps is not None),
                taps.step_pu,
            )
        )
    feeding = {
        point.bus: k
        for k, point in enumerate(substation.points)
        if point.kind == "transformer_bay" and point.terminal > 1 and point.element != gone
    }
    banks = tuple(
        Bank(bank.id, bank.steps, bank.mvar * 1e6 / bank.steps, feeding.get(bank.bus, -1))
        for bank in substation.capacitors
    )
    return Regulators(tuple(groups), banks)


def apply(engine: Engine, regulators: Regulators, positions: Positions) -> None:
    """Set the engine's taps and banks."""
    for group, tap in zip(regulators.groups, positions.taps, strict=True):
        for name in group.transformers:
            engine.set_tap(name, tap)
    for bank, steps in zip(regulators.banks, positions.steps, strict=True):
        engine.set_steps(bank.name, steps)


@dataclass(frozen=True, slots=True)
class Guess:
    """A settled state to begin from: the nearer, the fewer power flows.

    Attributes:
        positions: Regulators.
        extra_va: What the grid supplies beyond the sum of the loads: losses, charging, reactors, banks.
        v_pu: Voltage of the grid there.
        errors_pu: Deviation of each group's voltage there; none where it is not known.
    """

    positions: Positions
    extra_va: complex
    v_pu: float = 1.0
    errors_pu: tuple[float, ...] = ()

    def moved(self, regulators: Regulators, v_pu: float, offsets_pu: Floats) -> Positions:
        """Where the regulators can be expected to stand at another voltage of the grid.

        All voltages follow the grid's, and a step of one group shifts those of all groups below it.

        Args:
            regulators: Regulators of the substation.
            v_pu: Voltage of the grid.
            offsets_pu: Where within its dead band each group comes to rest, pu, shape [groups].
        """
        if not self.errors_pu:
            return self.positions
        taps, shifts = list(self.positions.taps), np.full(len(regulators.groups), v_pu - self.v_pu)
        base_v = np.array([group.base_v for group in regulators.groups])
        for k in np.argsort(-base_v, kind="stable").tolist():
            group = regulators.groups[k]
            error = self.errors_pu[k] + float(shifts[k]) - float(offsets_pu[k])
            if abs(error) > DEADBAND_PU:
                aim = min(max(taps[k] + round(error / group.step_pu), 1), group.steps)
                shifts[base_v < group.base_v] -= (aim - taps[k]) * group.step_pu
                taps[k] = aim
        return replace(self.positions, taps=tuple(taps))


@dataclass(frozen=True, slots=True)
class Settled:
    """Where the regulators came to rest, and what the grid supplies there beyond the loads, VA."""

    positions: Positions
    extra_va: complex


def neutral(regulators: Regulators) -> Guess:
    """Middle taps and no banks: a guess for want of a better one."""
    return Guess(
        Positions(
            tuple((group.steps + 1) // 2 for group in regulators.groups), tuple(0 for _ in regulators.banks)
        ),
        0j,
    )


def settle(
    engine: Engine,
    regulators: Regulators,
    hour: BoundaryHour,
    s_va: Complexes,
    *,
    offsets_pu: Floats,
    guess: Guess,
) -> Settled:
    """Find where the regulators stand after hours of this load, and the grid's internal voltage behind it.

    The internal voltage is such that the substation's bus has the voltage and angle of the system hour while
    the substation draws its load through the hour's source impedance: E = V + Z·conj(S/3V). The engine is
    left so, to a few 1e-4 pu; its last correction is not solved any more.

    Args:
        engine: Engine; everything but source, taps and banks is left as it is.
        regulators: What to settle.
        hour: The grid.
        s_va: Power of each load, VA, shape [l].
        offsets_pu: Where within its dead band each group came to rest, pu, shape [groups].
        guess: Where to begin.

    Raises:
        InfeasibleError: The regulators chase each other without end.
    """
    wanted = hour.v_pu * complex(np.exp(1j * np.radians(hour.angle_deg)))
    nodes = engine.layout.bus_nodes(engine.source_bus)
    base_v, z1 = float(engine.layout.base_v[nodes[0]]), hour.source_z1_ohm()
    positions = guess.moved(regulators, hour.v_pu, offsets_pu)
    drawn = complex(s_va.sum()) + guess.extra_va
    emf_pu = wanted + z1 * np.conj(drawn / (3.0 * wanted * base_v)) / base_v
    engine.set_source(Source(emf_pu, z1))
    apply(engine, regulators, positions)
    for number in range(_SETTLE_ROUNDS):
        v = engine.solve(s_va[None, :])
        at_bus = complex(sequence_components(v[0, nodes])[1]) / base_v
        miss = wanted - at_bus
        moved = _taps_wanted(engine, regulators, positions, v, offsets_pu)
        if number >= _BOLD_ROUNDS:
            # Under heavy load taps above and below that move at once overshoot for ever.
            moved = _by_one_step(positions, moved)
        if moved == positions and abs(miss) < _NEAR_PU:
            moved = _steps_wanted(engine, regulators, positions, v)
            if moved == positions:
                engine.set_emf(emf_pu + miss)
                supplied = 3.0 * at_bus * np.conj((emf_pu - at_bus) * base_v / z1) * base_v
                return Settled(positions, complex(supplied - s_va.sum()))
        emf_pu += miss
        engine.set_emf(emf_pu)
        if moved != positions:
            positions = moved
            apply(engine, regulators, positions)
    raise InfeasibleError(
        f"{engine.substation.name}: taps and capacitors do not come to rest",
        "widen the dead bands or the tap range",
    )


def errors_pu(engine: Engine, group: TapGroup, v: Complexes) -> Floats:
    """Deviation of the regulated voltage (mean over phases and buses) from its set value, pu, shape [t].

    A busbar that is dead at first does not count; where all are, nothing is regulated.
    """
    magnitude = np.abs(v[:, engine.layout.nodes_of(group.buses)])
    if (dead := magnitude[0] < _ALIVE_PU * group.base_v).any():
        magnitude = magnitude[:, ~dead]
        if not magnitude.size:
            return np.zeros(v.shape[0])
    return np.asarray(magnitude.sum(axis=1) / (magnitude.shape[1] * group.base_v) - group.set_pu)


def bank_needs(regulators: Regulators, v: Complexes, i: Complexes) -> list[Floats]:
    """Reactive power that each bank's transformer brings in, in steps of the bank, shape [t] each.

    Args:
        regulators: Regulators of the substation.
        v: Phase voltages at the points, shape [t, p, 3].
        i: Currents out of the busbars there, same shape.
    """
    return [
        -(v[:, bank.point] * np.conj(i[:, bank.point])).sum(axis=-1).imag / bank.step_var
        if bank.point >= 0
        else np.zeros(v.shape[0])
        for bank in regulators.banks
    ]


def _taps_wanted(
    engine: Engine, regulators: Regulators, positions: Positions, v: Complexes, offsets_pu: Floats
) -> Positions:
    taps = []
    for group, tap, offset in zip(regulators.groups, positions.taps, offsets_pu, strict=True):
        error = float(errors_pu(engine, group, v)[0]) - float(offset)
        move = round(error / group.step_pu) if abs(error) > DEADBAND_PU else 0
        # The tap changer sits on the supplying winding: more turns there lower the regulated voltage.
        taps.append(min(max(tap + move, 1), group.steps))
    return replace(positions, taps=tuple(taps))


def _by_one_step(positions: Positions, wanted: Positions) -> Positions:
    taps = zip(positions.taps, wanted.taps, strict=True)
    return replace(wanted, taps=tuple(now + min(max(aim - now, -1), 1) for now, aim in taps))


def _steps_wanted(engine: Engine, regulators: Regulators, positions: Positions, v: Complexes) -> Positions:
    steps = []
    network = engine.network()
    i = network.point_currents(v, np.full(v.shape[0], engine.emf_v))
    needs = bank_needs(regulators, network.point_voltages(v), i)
    for bank, now, need in zip(regulators.banks, positions.steps, needs, strict=True):
        move = int(np.sign(need[0])) if abs(need[0]) > BANK_SHARE else 0
        steps.append(min(max(now + move, 0), bank.steps))
    return replace(positions, steps=tuple(steps))
