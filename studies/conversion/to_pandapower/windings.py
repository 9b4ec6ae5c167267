"""The windings of a circuit's transformer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from studies.conversion.to_pandapower.parts import PHASES, Part, sequences

_BY_WINDING = ("kvs", "kvas", "pctrs", "taps", "mintap", "maxtap", "numtaps")
_CLOCK = np.pi / 6.0


@dataclass(frozen=True, slots=True)
class Winding:
    """One winding.

    Attributes:
        number: From 1, the circuit's order.
        bus: Where it is connected.
        conn: `wye` or `delta`.
        kv: Rated voltage, phase to phase.
        mva: Rated power.
        r_percent: Of the first winding's kVA.
        tap: Pu of the rated voltage.
        lowest: Lowest tap, pu.
        highest: Highest tap, pu.
        step: Between two taps, pu.
        earthed: Whether the neutral of a wye has a path to earth.
        z_neutral: On that path, Ω.
        lead_rad: Angle of its no-load voltage against the first one's.
    """

    number: int
    bus: str
    conn: str
    kv: float
    mva: float
    r_percent: float
    tap: float
    lowest: float
    highest: float
    step: float
    earthed: bool
    z_neutral: complex
    lead_rad: float = 0.0

    @property
    def group(self) -> str:
        """Its part of the vector group, in small letters."""
        if self.conn == "delta":
            return "d"
        return "yn" if self.earthed else "y"


def read_windings(part: Part, neutrals: Mapping[tuple[str, int], int]) -> list[Winding]:
    """The windings of a three-phase transformer of two or three.

    Args:
        part: The transformer.
        neutrals: How many elements are on each neutral node.

    Raises:
        StudyError: It has another number of windings or phases, or shares a neutral node.
    """
    if int(part.number("phases")) != PHASES or len(part.buses) not in {2, 3}:
        raise part.refused(
            f"phases={int(part.number('phases'))}, windings={len(part.buses)}: pandapower's balanced power "
            "flow has three-phase transformers of two or three windings"
        )
    values = {name: part.numbers(name) for name in _BY_WINDING}
    windings = []
    for k, bus in enumerate(part.buses):
        steps = values["numtaps"][k]
        reach = values["maxtap"][k] - values["mintap"][k]
        earthed, z_neutral = _neutral(part, k, neutrals)
        windings.append(
            Winding(
                number=k + 1,
                bus=bus,
                conn=_connection(part, k),
                kv=values["kvs"][k],
                mva=values["kvas"][k] / 1e3,
                r_percent=values["pctrs"][k],
                tap=values["taps"][k],
                lowest=values["mintap"][k],
                highest=values["maxtap"][k],
                step=reach / steps if steps > 0 else 0.0,
                earthed=earthed,
                z_neutral=z_neutral,
            )
        )
    # With only winding 1 fed: V_k = −Y_kk⁻¹·Y_k1·V_1, in steps of the clock.
    y = sequences(part, neutral=True).positive
    rest = np.linalg.solve(y[1:, 1:], -y[1:, 0])
    leads = [0.0, *(round(float(np.angle(v)) / _CLOCK) * _CLOCK for v in rest)]
    return [replace(winding, lead_rad=lead) for winding, lead in zip(windings, leads, strict=True)]


def _connection(part: Part, k: int) -> str:
    conn = str(part.properties["conns"][k]).lower()
    if conn not in {"wye", "delta"}:
        raise part.refused(f"conn={conn} of winding {k + 1}: pandapower has wye and delta")
    return conn


def _neutral(part: Part, k: int, neutrals: Mapping[tuple[str, int], int]) -> tuple[bool, complex]:
    """Whether a wye's neutral has a path to earth, and the impedance on it."""
    away = [int(node) for node in part.nodes[k] if node > PHASES]
    if not away:
        return True, 0.0
    if neutrals[part.buses[k], away[0]] > 1:
        raise part.refused(
            f"bus{k + 1}={part.buses[k]}: other elements share its neutral node {away[0]}, and pandapower's "
            "balanced power flow has no neutrals"
        )
    r, x = part.numbers("rneut")[k], part.numbers("xneut")[k]
    return r >= 0.0, complex(r, x) if r >= 0.0 else 0.0
