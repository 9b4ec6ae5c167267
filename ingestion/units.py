"""Units that meters and their exports use, and what turns them into those of the contracts."""

from __future__ import annotations

import re

from ingestion.errors import IngestionError

PREFIXES = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}


def _prefixed(symbol: str, prefixes: str = "mkMG") -> dict[str, tuple[float, float]]:
    return {prefix + symbol: (PREFIXES[prefix], 0.0) for prefix in ("", *prefixes)}


UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "W": _prefixed("W") | {"hp": (745.699872, 0.0)},
    "var": _prefixed("var"),
    "V": _prefixed("V"),
    "A": _prefixed("A"),
    "Hz": _prefixed("Hz", "mk"),
    "°C": {"°C": (1.0, 0.0), "°F": (5.0 / 9.0, -160.0 / 9.0), "K": (1.0, -273.15)},
    "%": {"%": (1.0, 0.0), "1": (100.0, 0.0)},
    "pu": {"pu": (1.0, 0.0), "%": (0.01, 0.0)},
    "W/m²": {
        "W/m²": (1.0, 0.0),
        "kW/m²": (1e3, 0.0),
        "J/m²/h": (1.0 / 3600.0, 0.0),
        "kJ/m²/h": (1.0 / 3.6, 0.0),
    },
    "m/s": {"m/s": (1.0, 0.0), "km/h": (1.0 / 3.6, 0.0), "kn": (1852.0 / 3600.0, 0.0), "mph": (0.44704, 0.0)},
    "h": {"h": (1.0, 0.0), "min": (1.0 / 60.0, 0.0), "s": (1.0 / 3600.0, 0.0)},
    "d": {"d": (1.0, 0.0), "h": (1.0 / 24.0, 0.0), "a": (365.25, 0.0)},
    "a": {"a": (1.0, 0.0), "d": (1.0 / 365.25, 0.0)},
    "ppm": {"ppm": (1.0, 0.0), "%": (1e4, 0.0)},
    "kA²s": {"kA²s": (1.0, 0.0), "A²s": (1e-6, 0.0)},
}
"""Unit of the contract → unit of the file → factor and offset: contract = factor · file + offset."""

SPELLINGS = {
    "degC": "°C",
    "C": "°C",
    "celsius": "°C",
    "degF": "°F",
    "F": "°F",
    "fahrenheit": "°F",
    "kelvin": "K",
    "VAr": "var",
    "VAR": "var",
    "kVAr": "kvar",
    "kVAR": "kvar",
    "KVAR": "kvar",
    "MVAr": "Mvar",
    "MVAR": "Mvar",
    "kw": "kW",
    "KW": "kW",
    "mw": "MW",
    "Mw": "MW",
    "kv": "kV",
    "KV": "kV",
    "w": "W",
    "volt": "V",
    "volts": "V",
    "v": "V",
    "ampere": "A",
    "amp": "A",
    "amps": "A",
    "a": "A",
    "ka": "kA",
    "hz": "Hz",
    "mhz": "mHz",
    "HZ": "Hz",
    "percent": "%",
    "p.u.": "pu",
    "W/m2": "W/m²",
    "kW/m2": "kW/m²",
    "J/m2/h": "J/m²/h",
    "kJ/m2/h": "kJ/m²/h",
    "mps": "m/s",
    "kmh": "km/h",
}
"""Other ways in which people write these units."""


def conversion(field: str, unit: str, into: str) -> tuple[float, float]:
    """Factor and offset from a file's unit to the contract's.

    Args:
        field: Column of the contract, for the message.
        unit: Unit in the file; "" for the contract's own.
        into: Unit of the contract.

    Raises:
        IngestionError: The unit is not known, or measures something else.
    """
    if unit in ("", into):
        return 1.0, 0.0
    known = UNITS.get(into, {into: (1.0, 0.0)})
    for name in (unit, SPELLINGS.get(unit, unit)):
        if name in known:
            return known[name]
    raise IngestionError(
        f"mapping: {field}: unit is {unit!r}, but the column is in {into or 'plain numbers'}",
        f"use one of {', '.join(known)}",
    )


def unit_in(header: str, into: str) -> str:
    """The unit that a column's header names, "" for none: `P [kW]`, `demand_mw`, `Temp (°F)`.

    Single letters count in brackets; of power and temperature at the end too, where they are no phase.
    """
    known = UNITS.get(into, {})
    bracketed: list[str] = re.findall(r"[\[(]([^\])]+)[\])]", header)
    words = [word for word in re.split(r"[^\w°²%/.]+|_", header) if word]
    for word in (*bracketed, *reversed(words)):
        name = word if word in known else SPELLINGS.get(word, word)
        single = into in ("W", "°C") and word == words[-1]
        if name in known and (len(word) > 1 or word in bracketed or single):
            return name
    return ""


def named(factor: float, unit: str, into: str) -> str:
    """The unit of the same kind whose factor is `factor` times that of `unit`, "" for none."""
    base, _ = conversion("", unit, into)
    for name, (scale, offset) in UNITS.get(into, {}).items():
        if offset == 0.0 and abs(scale / (base * factor) - 1.0) < 1e-6:
            return name
    return ""
