"""A pandapower transformer as OpenDSS defines one, to the last term of its T equivalent.

Pandapower puts the magnetising branch in the middle of the leakage impedance (`trafo_model="t"`), OpenDSS
at the second winding. An idle second winding whose terminal is the star point S of the T makes both the
same: with x the leakage reactance and h the share of it on the high-voltage side, the reactances between the
windings are X_HS = h·x, X_SL = (1 - h)·x and X_HL = x, and the winding at the star point has none of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from studies.conversion.to_opendss.buses import End

# What the engine's connections and a cyclic change of phases make of the angle by which the low-voltage side
# lags: delta and wye give 30° (or -30°, `LeadLag=lead`), two steps of the cycle 120° each.
_CYCLES = {0: "1.2.3", 120: "3.1.2", 240: "2.3.1"}
_EVEN = {shift: (None, nodes) for shift, nodes in _CYCLES.items()}
_ODD = {
    (base + cycle) % 360: (lead, nodes)
    for base, lead in ((30, "lag"), (330, "lead"))
    for cycle, nodes in _CYCLES.items()
}
_OTHER = {"lag": "lead", "lead": "lag"}
_ANGLE = 1e-6
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Connection:
    """How the windings are connected.

    Attributes:
        high: `wye` or `delta`.
        low: `wye` or `delta`.
        lead_lag: Which side lags between a wye and a delta; None between two of a kind.
        nodes: Phases of the low-voltage bus in the order of the winding's.
        high_earthed: The star point of a wye on the high-voltage side is earthed.
        low_earthed: The same of the low-voltage side.
    """

    high: str
    low: str
    lead_lag: str | None
    nodes: str
    high_earthed: bool
    low_earthed: bool


def connection(shift_degree: float, vector_group: str | None) -> Connection:
    """The connection with this angle; star points and the place of the delta come from the vector group.

    Args:
        shift_degree: By how much the low-voltage side lags.
        vector_group: As `Dyn`, `YNd`, `Yyn`; None leaves it to the angle, with earthed star points: equal
            phases do not see the difference.

    Raises:
        ValueError: There is no such connection in the engine; says why.
    """
    shift = shift_degree % 360.0
    whole = round(shift) % 360
    if min(abs(shift - whole), abs(shift - whole - 360)) > _ANGLE or whole not in _EVEN | _ODD:
        raise ValueError(
            f"shift_degree {shift_degree:g}: wye and delta windings give odd multiples of 30° and, with the "
            "phases changed round, 120° and 240°"
        )
    odd = whole in _ODD
    lead, nodes = (_ODD if odd else _EVEN)[whole]
    group = vector_group or ("Dyn" if odd else "YNyn")
    high, low = _of_group(group)
    if odd == (high == low):
        raise ValueError(f"vector_group {group} and shift_degree {shift_degree:g} exclude each other")
    return Connection(high, low, lead, nodes, group.startswith("YN"), group.rstrip(_DIGITS).endswith("yn"))


def _of_group(group: str) -> tuple[str, str]:
    kinds = {"Y": "wye", "D": "delta"}
    letters = [letter for letter in group.rstrip(_DIGITS) if letter not in "Nn"]
    if len(letters) != 2 or any(letter.upper() not in kinds for letter in letters):
        raise ValueError(f"vector_group {group}: only wye and delta windings can be written")
    return kinds[letters[0].upper()], kinds[letters[1].upper()]


def tapped_kv(row: Any) -> tuple[float, float]:
    """Rated voltages of both sides at the present position of the tap changers, kV.

    Raises:
        ValueError: A tap changer also turns the voltage, or follows a table.
    """
    kv = {"hv": float(row.vn_hv_kv), "lv": float(row.vn_lv_kv)}
    if bool(_or(row, "tap_dependency_table", False)):
        raise ValueError("tap_dependency_table: its impedance follows a table")
    for tap in ("tap", "tap2"):
        position, neutral = _or(row, f"{tap}_pos", math.nan), _or(row, f"{tap}_neutral", math.nan)
        kind, side = _or(row, f"{tap}_changer_type", None), _or(row, f"{tap}_side", None)
        if kind is None or side not in kv or math.isnan(float(position)) or math.isnan(float(neutral)):
            continue
        steps = float(position) - float(neutral)
        degrees = float(_or(row, f"{tap}_step_degree", 0.0))
        percent = float(_or(row, f"{tap}_step_percent", 0.0))
        if steps and (kind not in {"Ratio", "Symmetrical"} or degrees % 180.0):
            raise ValueError(f"{tap}_changer_type {kind}: it turns the voltage by an angle")
        kv[side] *= 1.0 + steps * percent * math.cos(math.radians(degrees)) / 100.0
    return kv["hv"], kv["lv"]


@dataclass(frozen=True, slots=True)
class Windings:
    """Rated values of a transformer, parallel ones as one.

    Attributes:
        kv_high: Rated voltage of the high-voltage side at the present tap, kV.
        kv_low: Rated voltage of the low-voltage side at the present tap, kV.
        kva: Rated power.
        rating_kva: What it may carry.
        resistance_pct: Of both windings, % of the rated impedance.
        reactance_pct: Of leakage, % of the rated impedance.
        resistance_high: Share of the resistance on the high-voltage side.
        reactance_high: Share of the reactance on the high-voltage side.
        iron_pct: Losses without load, % of the rated power.
        magnetising_pct: Reactive power without load, % of the rated power.
    """

    kv_high: float
    kv_low: float
    kva: float
    rating_kva: float
    resistance_pct: float
    reactance_pct: float
    resistance_high: float
    reactance_high: float
    iron_pct: float
    magnetising_pct: float

    @property
    def is_magnetised(self) -> bool:
        """Whether it draws anything without load."""
        return bool(self.iron_pct or self.magnetising_pct)

    def properties(self, ends: tuple[End, End], star: End | None, connected: Connection) -> dict[str, Any]:
        """Properties of the transformer in the engine.

        Args:
            ends: High- and low-voltage end.
            star: A bus of its own for the star point of the T; None without a magnetising branch.
            connected: How its windings are connected.
        """
        sides = [
            f"{ends[0].at()}{_neutral(connected.high, earthed=connected.high_earthed)}",
            f"{ends[1].at(connected.nodes)}{_neutral(connected.low, earthed=connected.low_earthed)}",
        ]
        conns = [connected.high, connected.low]
        kvs = [self.kv_high, self.kv_low]
        ohmic = [self.resistance_pct * self.resistance_high, self.resistance_pct * (1 - self.resistance_high)]
        x = self.reactance_pct
        reactances = {"XHL": x}
        if star is not None:
            sides.insert(1, f"{star.at()}{_neutral(connected.low, earthed=True)}")
            conns.insert(1, connected.low)
            kvs.insert(1, self.kv_low)
            ohmic.insert(1, 0.0)
            # The engine's letters are the windings in their order: H, the star point, L.
            reactances = {"XHL": x * self.reactance_high, "XHT": x, "XLT": x * (1 - self.reactance_high)}
        held = connected.high_earthed and connected.low_earthed
        return {
            "phases": 3, "windings": len(sides), "buses": sides, "conns": conns, "kVs": kvs,
            "kVAs": [self.kva] * len(sides), "pct_Rs": ohmic, **reactances, **self._angle(connected),
            "pct_NoLoadLoss": self.iron_pct, "pct_IMag": self.magnetising_pct,
            "ppm_antifloat": 0.0 if held else 1.0, "NormHkVA": self.rating_kva, "EmergHkVA": self.rating_kva,
        }  # fmt: skip

    def _angle(self, connected: Connection) -> dict[str, str]:
        if connected.lead_lag is None:
            return {}
        # The engine reads it between the higher and the lower voltage of the first two windings.
        falls = self.kv_high >= self.kv_low
        return {"LeadLag": connected.lead_lag if falls else _OTHER[connected.lead_lag]}


def windings(row: Any) -> Windings:
    """Rated values from a row of pandapower's table.

    Raises:
        ValueError: A value has no counterpart in the engine; says which.
    """
    kv_high, kv_low = tapped_kv(row)
    parallel = int(_or(row, "parallel", 1))
    kva = 1e3 * float(row.sn_mva) * parallel
    resistance = float(row.vkr_percent)
    squared = float(row.vk_percent) ** 2 - resistance**2
    if squared <= 0.0:
        raise ValueError(f"vk_percent {row.vk_percent:g} is not above vkr_percent {resistance:g}")
    iron = 100.0 * float(row.pfe_kw) * parallel / kva
    return Windings(
        kv_high=kv_high,
        kv_low=kv_low,
        kva=kva,
        rating_kva=kva * float(_or(row, "df", 1.0)),
        resistance_pct=resistance,
        reactance_pct=math.sqrt(squared),
        resistance_high=float(_or(row, "leakage_resistance_ratio_hv", 0.5)),
        reactance_high=float(_or(row, "leakage_reactance_ratio_hv", 0.5)),
        iron_pct=iron,
        magnetising_pct=math.sqrt(max(float(row.i0_percent) ** 2 - iron**2, 0.0)),
    )


def _neutral(winding: str, *, earthed: bool) -> str:
    """Node of the star point: earth, or a node of its own."""
    if winding == "delta":
        return ""
    return ".0" if earthed else ".7"


def _or(row: Any, column: str, missing: Any) -> Any:
    """A value that may be absent or NaN."""
    value = getattr(row, column, None)
    return missing if value is None or value != value else value  # noqa: PLR0124
