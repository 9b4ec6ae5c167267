"""Loads of a circuit as pandapower's, by their dependence on the voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studies.conversion.to_pandapower.injections import SAME
from studies.conversion.to_pandapower.parts import DEAD_PU, REMEDY, Part
from studies.conversion.to_pandapower.target import Target

_CONSTANT_POWER, _CONSTANT_CURRENT, _CONSTANT_IMPEDANCE = 0, 1, 2
_EXPONENTS = {1: _CONSTANT_POWER, 2: _CONSTANT_IMPEDANCE, 5: _CONSTANT_CURRENT}
"""Exponent of the voltage by the number of OpenDSS's load model."""

_SHARES = {_CONSTANT_CURRENT: "i", _CONSTANT_IMPEDANCE: "z"}
_PERCENT = 100.0
_LISTED = 4


@dataclass(frozen=True, slots=True)
class _Load:
    """A load as it depends on the voltage: S = `at_nominal_mva`·v^exponent, v in pu of the bus."""

    part: Part
    exponent: int
    at_nominal_mva: complex

    @property
    def bus(self) -> str:
        return self.part.buses[0]


def add_loads(target: Target, parts: Sequence[Part], generation: Sequence[Part], load_mult: float) -> None:
    """All loads.

    pandapower averages the loads' dependence on the voltage over a bus and applies it to everything that is
    there. Where loads of a bus differ, or there is generation, those of constant impedance become shunts.

    Args:
        target: The network.
        parts: The loads.
        generation: What generates.
        load_mult: The circuit's multiplier of loads.

    Raises:
        StudyError: One is not three-phase, or depends on the voltage in a way that pandapower cannot express.
    """
    fed = {part.buses[0] for part in generation}
    outside: list[str] = []
    idle = [part.name for part in parts if part.number("kw") == part.number("kvar") == 0.0]
    loads = [_load(target, part, load_mult, outside) for part in parts if part.name not in idle]
    at: dict[str, list[_Load]] = {}
    for load in loads:
        at.setdefault(load.bus, []).append(load)
    shunts = []
    for bus, here in at.items():
        exponents = {load.exponent for load in here} | ({_CONSTANT_POWER} if bus in fed else set())
        alike = len(exponents) == 1
        for load in here:
            if alike or load.exponent == _CONSTANT_POWER:
                _add_load(target, load)
            elif load.exponent == _CONSTANT_IMPEDANCE:
                _add_as_shunt(target, load)
                shunts.append(load.part.name)
            else:
                raise load.part.refused(
                    f"model=5 at bus {bus}, where other loads or generation are: pandapower averages the "
                    "dependence on the voltage over all that a bus has",
                    "give the loads of the bus one model, or " + REMEDY,
                )
    if idle:
        target.note(f"left out, for they draw nothing: {_some(idle)}")
    if outside:
        target.note(
            f"outside Vminpu..Vmaxpu, hence a constant impedance, as OpenDSS has it here: {_some(outside)}"
        )
    if shunts:
        target.note(f"constant impedance beside other loads or generation, hence a shunt: {_some(shunts)}")
    if any(load.exponent != _CONSTANT_IMPEDANCE for load in loads):
        target.note(
            "loads keep their power or current at every voltage; OpenDSS makes them impedances outside "
            "Vminpu..Vmaxpu"
        )
    shaped = [p.name for p in parts if any(p.properties.get(name) for name in ("yearly", "daily", "duty"))]
    if shaped:
        target.note(f"load shapes are not carried over, a time series takes a profile: {_some(shaped)}")


def _load(target: Target, part: Part, load_mult: float, outside: list[str]) -> _Load:
    model = int(part.number("model"))
    if model not in _EXPONENTS:
        raise part.refused(
            f"model={model}: a load of pandapower's balanced power flow is of constant power (1), "
            "impedance (2) or current (5)"
        )
    part.require_three_phases()
    exponent = _EXPONENTS[model]
    # The nominal voltages of the load and of its bus need not be the same.
    to_bus = target.base_kv[part.buses[0]] / part.number("kv")
    stated = complex(part.number("kw"), part.number("kvar")) / 1e3 * to_bus**exponent
    v = abs(target.v_pu[part.buses[0]])
    if part.opened[0] or v < DEAD_PU:
        return _Load(part, exponent, stated * load_mult)
    drawn_mva = part.power_va / 1e6
    within = part.number("vminpu") <= v * to_bus <= part.number("vmaxpu")
    if exponent != _CONSTANT_IMPEDANCE and not within:
        outside.append(part.name)
        return _Load(part, _CONSTANT_IMPEDANCE, drawn_mva / v**_CONSTANT_IMPEDANCE)
    at_nominal = drawn_mva / v**exponent
    for factor in (load_mult, 1.0):
        if abs(stated * factor - at_nominal) <= SAME * abs(at_nominal):
            return _Load(part, exponent, stated * factor)
    return _Load(part, exponent, at_nominal)


def _add_load(target: Target, load: _Load) -> None:
    import pandapower as pp

    share = _SHARES.get(load.exponent)
    percent = {f"const_{share}_{of}_percent": _PERCENT for of in "pq"} if share else {}
    pp.create_load(
        target.net,
        target.bus[load.bus],
        p_mw=load.at_nominal_mva.real,
        q_mvar=load.at_nominal_mva.imag,
        name=target.name("load", load.part),
        in_service=not load.part.opened[0],
        type=str(load.part.properties["conn"]).lower(),
        **percent,
    )


def _add_as_shunt(target: Target, load: _Load) -> None:
    import pandapower as pp

    pp.create_shunt(
        target.net,
        target.bus[load.bus],
        p_mw=load.at_nominal_mva.real,
        q_mvar=load.at_nominal_mva.imag,
        name=target.name("shunt", load.part),
        in_service=not load.part.opened[0],
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
