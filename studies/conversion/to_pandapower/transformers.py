"""Transformers of two and three windings as pandapower has them.

OpenDSS puts the magnetising branch at the terminals of winding 2. A `trafo` of pandapower has its T model's
branch wherever `leakage_*_ratio_hv` say; a `trafo3w` has no such place, its no-load losses become a shunt.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation.engine.network import Complexes
from studies.conversion.to_pandapower.parts import Part, sequences
from studies.conversion.to_pandapower.target import Target
from studies.conversion.to_pandapower.windings import Winding, read_windings

_ALL_LEAKAGE = 1.0 - 1e-9
"""Share of the leakage before the magnetising branch: OpenDSS has that branch at the terminals of winding 2,
pandapower divides by the share that lies behind it."""

_NO_MAGNETISING_PERCENT = 1e9
_RESISTIVE = 1e6
_NOTHING = 1e-15
"""Admittance that is none, pu: pandapower divides by its square."""

_AGREEMENT = 1e-5
"""Of two admittances. OpenDSS adds 1e-6 pu to each winding against floating (`ppm_antifloat`)."""


def add_transformer(target: Target, part: Part) -> None:
    """A transformer of two or three windings.

    OpenDSS: %R of each winding and XHL, XHT, XLT of the first winding's kVA, ratio by the rated voltages
    times the taps, %noloadloss and %imag of that kVA at winding 2. What this gives is compared with the
    engine's admittances.

    Raises:
        StudyError: It is not three-phase or symmetrical, or is of a kind that pandapower has not.
    """
    windings = read_windings(part, target.neutrals)
    if any(part.opened) and len(windings) != 2:
        raise part.refused("an open terminal of a transformer of three windings")
    expected = _admittances(part, windings)
    found = sequences(part, neutral=True)
    apart = np.abs(expected - found.positive).max(axis=1) / np.abs(expected).max(axis=1)
    if not apart.max() <= _AGREEMENT:
        raise part.refused(
            f"its admittances differ by {100.0 * apart.max():.2g} % from those of its %Rs, XHL, XHT, XLT, "
            "kVs, Taps, %noloadloss and %imag"
        )
    if len(windings) == 2:
        _two_windings(target, part, windings)
    else:
        _three_windings(target, part, windings)


def _admittances(part: Part, windings: list[Winding]) -> Complexes:
    """Positive sequence between the terminals by the stated values, S."""
    star = _star(part, windings)
    magnetising = _magnetising(part)
    if len(windings) == 2:
        y = np.array([[1.0, -1.0], [-1.0, 1.0]]) / (star[0] + star[1])
    else:
        arms = 1.0 / np.array(star)
        y = np.diag(arms) - np.outer(arms, arms) / arms.sum()
    y[1, 1] += magnetising
    mva = windings[0].mva
    turns = np.array([w.kv * w.tap * np.exp(1j * w.lead_rad) for w in windings])
    return np.asarray(y * mva / np.outer(turns.conj(), turns))


def _star(part: Part, windings: list[Winding]) -> list[complex]:
    """Impedance of each winding, pu of the first one's kVA; of two windings each has half of XHL."""
    r = [w.r_percent / 100.0 for w in windings]
    x_hl = part.number("xhl") / 100.0
    if len(windings) == 2:
        return [complex(r[0], x_hl / 2.0), complex(r[1], x_hl / 2.0)]
    x_ht, x_lt = part.number("xht") / 100.0, part.number("xlt") / 100.0
    x = ((x_hl + x_ht - x_lt) / 2.0, (x_hl + x_lt - x_ht) / 2.0, (x_ht + x_lt - x_hl) / 2.0)
    return [complex(*pair) for pair in zip(r, x, strict=True)]


def _magnetising(part: Part) -> complex:
    """Pu of the first winding's kVA."""
    g, b = (part.number(name) / 100.0 for name in ("pctnoloadloss", "pctimag"))
    return complex(g if g > _NOTHING else 0.0, -b if b > _NOTHING else 0.0)


def _two_windings(target: Target, part: Part, windings: list[Winding]) -> None:
    import pandapower as pp

    first_is_high = windings[0].kv >= windings[1].kv
    high, low = windings if first_is_high else windings[::-1]
    z, y = sum(_star(part, windings)), _magnetising(part)
    mva = windings[0].mva
    grounded = [w for w in windings if w.conn == "wye" and w.earthed]
    neutral = [w for w in grounded if w.z_neutral != 0.0]
    if neutral and len(grounded) > 1:
        raise part.refused(
            f"rneut, xneut of winding {neutral[0].number}: pandapower knows a neutral's impedance only where "
            "one winding is earthed"
        )
    # The magnetising branch belongs to winding 2, whichever side that is.
    share = _ALL_LEAKAGE if first_is_high else 1.0 - _ALL_LEAKAGE
    index = pp.create_transformer_from_parameters(
        target.net,
        target.bus[high.bus],
        target.bus[low.bus],
        sn_mva=mva,
        vn_hv_kv=high.kv,
        vn_lv_kv=low.kv,
        vkr_percent=100.0 * z.real,
        vk_percent=100.0 * abs(z),
        pfe_kw=1e3 * mva * y.real,
        i0_percent=100.0 * abs(y),
        shift_degree=_clock(high.lead_rad - low.lead_rad),
        vector_group=high.group.upper() + low.group,
        # A bank of three single-phase units: the same impedance in all sequences.
        vk0_percent=100.0 * abs(z),
        vkr0_percent=100.0 * z.real,
        mag0_percent=100.0 / abs(y * z) if y != 0.0 else _NO_MAGNETISING_PERCENT,
        mag0_rx=y.real / -y.imag if y.imag != 0.0 else _RESISTIVE,
        si0_hv_partial=share,
        df=_overload(part, mva),
        name=target.name("trafo", part),
        leakage_resistance_ratio_hv=share,
        leakage_reactance_ratio_hv=share,
        **_tap("tap", "hv", high),
        **_tap("tap2", "lv", low),
        **({"rn_ohm": neutral[0].z_neutral.real, "xn_ohm": neutral[0].z_neutral.imag} if neutral else {}),
    )
    target.open_ends(part, "t", index, {w.number - 1: w.bus for w in windings})


def _three_windings(target: Target, part: Part, windings: list[Winding]) -> None:
    import pandapower as pp

    star = dict(zip((w.number for w in windings), _star(part, windings), strict=True))
    sides = sorted(windings, key=lambda w: -w.kv)
    base = windings[0].mva
    pairs = {"hv": (sides[0], sides[1]), "mv": (sides[1], sides[2]), "lv": (sides[0], sides[2])}
    stated: dict[str, float] = {}
    for side, (one, other) in pairs.items():
        z = 100.0 * (star[one.number] + star[other.number]) * min(one.mva, other.mva) / base
        stated |= {f"vk_{side}_percent": abs(z), f"vkr_{side}_percent": z.real}
        stated |= {f"vk0_{side}_percent": abs(z), f"vkr0_{side}_percent": z.real}
    high, middle, low = sides
    pp.create_transformer3w_from_parameters(
        target.net,
        target.bus[high.bus],
        target.bus[middle.bus],
        target.bus[low.bus],
        # Taps are in the ratio: pandapower has one tap changer for the three windings.
        vn_hv_kv=high.kv * high.tap,
        vn_mv_kv=middle.kv * middle.tap,
        vn_lv_kv=low.kv * low.tap,
        sn_hv_mva=high.mva,
        sn_mv_mva=middle.mva,
        sn_lv_mva=low.mva,
        pfe_kw=0.0,
        i0_percent=0.0,
        shift_mv_degree=_clock(high.lead_rad - middle.lead_rad),
        shift_lv_degree=_clock(high.lead_rad - low.lead_rad),
        vector_group=high.group.upper() + middle.group + low.group,
        name=target.name("trafo3w", part),
        **stated,
    )
    if any(w.tap != 1.0 for w in windings):
        target.note(f"{part.name}: its taps are part of its rated voltages")
    if _overload(part, base) != 1.0:
        target.note(f"{part.name}: its loading is that of its rated powers, in OpenDSS that of NormHkVA")
    y = _magnetising(part) * base
    if y != 0.0:
        second = windings[1]
        pp.create_shunt(
            target.net,
            target.bus[second.bus],
            p_mw=y.real,
            q_mvar=-y.imag,
            vn_kv=second.kv * second.tap,
            name=target.name("shunt", part, whole=False),
        )
        target.note(f"{part.name}: its no-load losses are a shunt at bus {second.bus}")


def _tap(prefix: str, side: str, winding: Winding) -> dict[str, Any]:
    """Columns of one tap changer; a winding whose tap is between two steps has a broken position."""
    step = winding.step if winding.step > 0.0 else 1e-2
    position = (winding.tap - 1.0) / step
    whole = round(position)
    return {
        f"{prefix}_side": side,
        f"{prefix}_neutral": 0,
        f"{prefix}_min": round((winding.lowest - 1.0) / step),
        f"{prefix}_max": round((winding.highest - 1.0) / step),
        f"{prefix}_step_percent": 100.0 * step,
        f"{prefix}_step_degree": 0.0,
        f"{prefix}_pos": float(whole) if abs(position - whole) < 1e-9 else position,
        f"{prefix}_changer_type": "Ratio",
    }


def _overload(part: Part, mva: float) -> float:
    """The rating that the circuit calls normal, of the first winding's kVA."""
    rating = part.number("normhkva") / 1e3
    return rating / mva if rating > 0.0 else 1.0


def _clock(lag_rad: float) -> float:
    """By how much the lower voltage lags, degrees of [0, 360)."""
    return float(round(np.degrees(lag_rad)) % 360)
