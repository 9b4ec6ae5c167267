"""Which column of a file is which of a contract, by names, units in names, and the size of values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.columns import PHASES
from data_contracts.observed import OBSERVED
from ingestion.mapping import DERIVED, unit_of
from ingestion.units import unit_in

Floats = NDArray[np.float64]

LEVELS_KV = (
    *(0.4, 0.415, 0.48, 0.6, 0.69, 3.3, 6.6, 10.0, 11.0, 13.8, 20.0, 22.0, 33.0, 66.0, 110.0, 132.0, 150.0),
    *(220.0, 275.0, 345.0, 380.0, 400.0, 500.0, 765.0),
)
MOST_POINTS = 200
PHASE = {"a": r"(?:a|an|l1|r|u|1)", "b": r"(?:b|bn|l2|s|v|2)", "c": r"(?:c|cn|l3|t|w|3)"}
PAIRS = {
    "ab": r"(?:ab|l1l2|l12|rs|uv|12)",
    "bc": r"(?:bc|l2l3|l23|st|vw|23)",
    "ca": r"(?:ca|l3l1|l31|tr|wu|31)",
}
LOAD = {
    "q_var": r"reactive|\bq\b|var\b",
    "pv_w": r"\bpv\b|solar|photovolt",
    "ambient_c": r"temp|ambient",
    "ghi_w_m2": r"radiation|irradiance|\bghi\b",
    "wind_m_s": r"wind ?speed\b(?! ?\d)",
    "holiday": r"holiday|feiertag",
    "p_w": r"load|demand|power|active|consumption|\bp\b|\b[kmg]?w\b",
}
ASSET = {
    "asset": r"^(asset|equipment|transformer|unit|device)( ?(id|name|no))?$|^id$|^name$",
    "failed_within_30d": r"fail.*(30|month)|label|target",
    "failed": r"^failed$|^failure$|^fault$",
    "ambient_c": r"ambient|air temp",
    "hot_spot_c": r"hot ?spot|winding temp|oil temp",
    "load_pu": r"^load( pu)?$|loading",
    "age_years": r"^age",
    "h2_ppm": r"hydrogen|^h2\b",
    "ch4_ppm": r"methane|^ch4\b",
    "c2h2_ppm": r"acetylene|^c2h2\b",
    "c2h4_ppm": r"ethylene|^c2h4\b",
    "co_ppm": r"monoxide|^co\b",
    "moisture_pct": r"moisture|water",
}

STATE = {
    "load_metered_mw": r"^(total |system )?load( mw)?$",
    "generation_metered_mw": r"^(total )?generation( mw)?$",
    "wind_metered_mw": r"^wind( mw)?$",
    "solar_metered_mw": r"^(solar|pv)( mw)?$",
    "import_metered_mw": r"^(net )?import( mw)?$",
    "spinning_reserve_metered_mw": r"spinning reserve",
    "loading_max_metered_pct": r"(max|highest).*loading|loading.*(max|highest)",
    "v_min_metered_pu": r"(min|lowest).*(voltage|^v)|(voltage|^v) min",
    "nose_after_pct": r"(nose|voltage stability|loadability).*margin|^margin pct$",
    "limiting_contingency": r"limiting (contingency|outage)",
    "worst_contingency": r"(worst|severest) (contingency|outage)",
    "severity": r"^severity",
    "nadir_hz": r"nadir",
}

USUAL_NAMES = {"assets": ASSET, "stability": STATE}


@dataclass(frozen=True, slots=True)
class Guess:
    """A column of the contract, where it is from, its unit, and why."""

    name: str
    column: str
    unit: str
    why: str


@dataclass(slots=True)
class PointGuess:
    """A point: its name, label, nominals with reasons, and columns of its own."""

    name: str
    label: str | None = None
    nominals: dict[str, tuple[float, str]] = field(default_factory=dict)
    columns: list[Guess] = field(default_factory=list)


@dataclass(slots=True)
class Guesses:
    """Columns and points of a file."""

    columns: list[Guess] = field(default_factory=list)
    points: list[PointGuess] = field(default_factory=list)
    point_column: str | None = None
    point_why: str = ""
    frequency_hz: float = 50.0
    frequency_why: str = "CHECK: 50 or 60"


def slug(text: str, otherwise: str) -> str:
    """A name made of a text."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or otherwise


def _words(name: str) -> str:
    """A header in lower case, words parted by blanks."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return re.sub(r"[^a-z0-9°%/]+", " ", parted.lower()).strip()


def guess_columns(
    table: str,
    substation: str,
    names: list[str],
    time: tuple[str, ...],
    *,
    values: dict[str, Floats],
    texts: dict[str, Any],
) -> Guesses:
    """Guess a mapping's columns and points.

    Args:
        table: Table of the contract.
        substation: Name of the site.
        names: Columns of the file.
        time: Those of the time.
        values: Numbers of numeric columns.
        texts: First values of all columns.
    """
    left = [name for name in names if name not in time]
    if table == "load":
        return _load(substation, left, values, texts)
    if table == "readings":
        return _readings(substation, left, values)
    if table == "frequency":
        return _frequency(left, values)
    return _named(table, left)


def _point_column(
    left: list[str], values: dict[str, Floats], texts: dict[str, Any]
) -> tuple[str, list[str]] | None:
    """A column of few words that repeat, and these words."""
    for name in left:
        if re.search(r"feeder|point|meter|station|site|\bid\b|name|abgang", _words(name)):
            found = sorted({str(text).strip() for text in texts[name]} - {""})
            if 0 < len(found) <= MOST_POINTS and (name not in values or len(found) < 0.2 * len(texts[name])):
                return name, found
    return None


def _load(substation: str, left: list[str], values: dict[str, Floats], texts: dict[str, Any]) -> Guesses:
    guesses = Guesses()
    found: dict[str, list[str]] = {}
    for name in left:
        kind = next((kind for kind, pattern in LOAD.items() if re.search(pattern, _words(name))), None)
        if kind is not None and (name in values or kind == "holiday"):
            found.setdefault(kind, []).append(name)
    loads = found.pop("p_w", [])
    for kind, columns in found.items():
        if kind not in ("q_var", "pv_w"):
            guesses.columns.append(_guess("load", kind, columns[0], values.get(columns[0])))
    own = [
        _guess("load", kind, found[kind][0], values[found[kind][0]])
        for kind in ("q_var", "pv_w")
        if kind in found
    ]
    labels = _point_column(left, values, texts)
    if not loads:
        loads = [name for name in left if name in values and not any(name in c for c in found.values())][:1]
    if labels is not None and loads:
        guesses.point_column, words = labels
        guesses.point_why = f"{len(words)} different words in the first rows"
        guesses.columns[:0] = [_guess("load", "p_w", loads[0], values[loads[0]]), *own]
        guesses.points = [
            PointGuess(slug(word, "point"), word, _rating(values[loads[0]], guesses)) for word in words
        ]
        return guesses
    for name in loads:
        single = len(loads) == 1
        guess = _guess("load", "p_w", name, values[name])
        point = PointGuess(substation if single else slug(name, "point"))
        point.columns = [guess, *(own if single else [])]
        point.nominals = _rated(values[name], guess.unit)
        guesses.points.append(point)
    return guesses


def _rating(values: Floats, guesses: Guesses) -> dict[str, tuple[float, str]]:
    return _rated(values, next(guess.unit for guess in guesses.columns if guess.name == "p_w"))


def _rated(values: Floats, unit: str) -> dict[str, tuple[float, str]]:
    scale = {"W": 1e-6, "kW": 1e-3, "MW": 1.0, "GW": 1e3}[unit]
    known = np.abs(values[np.isfinite(values)]) * scale
    high = float(np.quantile(known, 0.999)) * 1.2 if len(known) else 0.0
    return {
        "rated_mva": (
            float(f"{high:.2g}"),
            f"CHECK: 1.2 times the largest value in {unit}; put the real rating, it tells a wrong unit",
        )
    }


def _guess(table: str, kind: str, name: str, values: Floats | None) -> Guess:
    into = unit_of(OBSERVED[table].column(kind))
    stated = unit_in(name, into) if into else ""
    if stated:
        return Guess(kind, name, stated, f"its name says {stated}")
    if values is None or not into:
        return Guess(kind, name, into, "by its name")
    known = np.abs(values[np.isfinite(values)])
    size = float(np.quantile(known, 0.75)) if len(known) else 0.0
    return Guess(kind, name, *_unit_by_size(kind, into, size))


def _unit_by_size(kind: str, into: str, size: float) -> tuple[str, str]:
    told = f"CHECK: no unit in its name; upper quartile {size:.6g}"
    if into == "W" and kind == "p_w":
        return ("W" if size >= 1e6 else "kW" if size >= 2e4 else "MW"), told
    if into == "°C" and size > 45.0:
        return ("K" if size > 200.0 else "°F"), told
    if into == "W/m²" and size > 2000.0:
        return "J/m²/h", told
    if into == "Hz" and size > 1000.0:
        return "mHz", told
    return into, told


def _match(words: str, quantity: str, phase: str) -> bool:
    tokens = words.split()
    return re.search(quantity, words) is not None and any(re.fullmatch(phase, token) for token in tokens)


def _readings(substation: str, left: list[str], values: dict[str, Floats]) -> Guesses:
    guesses = Guesses()
    point = PointGuess(substation)
    taken: set[str] = set()
    for kind, quantity, phase in _channels():
        for name in left:
            words = _words(name)
            tokens = set(words.split())
            if name in taken or name not in values or tokens & {"phi", "cos", "angle", "pf", "ng", "neutral"}:
                continue
            compact = re.fullmatch(rf"{kind[0]}_?{phase}", name.lower()) if phase else None
            total = not phase and re.search(quantity, words) and tokens & {"total", "sum", "3p"}
            if (
                compact
                or (phase and _match(words, quantity, phase))
                or total
                or (kind == "f_hz" and "freq" in words)
            ):
                taken.add(name)
                point.columns.append(_guess("readings", kind, name, values[name]))
                break
    volts = [guess for guess in point.columns if re.fullmatch(r"v_[abc]_v", guess.name)]
    amps = [guess for guess in point.columns if guess.name.startswith("i_")]
    point.nominals["nominal_kv"] = _nominal(volts, values)
    if amps:
        high = max(float(np.nanquantile(np.abs(values[guess.column]), 0.99)) for guess in amps)
        scale = {"kA": 1e3, "mA": 1e-3}.get(amps[0].unit, 1.0)
        point.nominals["rated_a"] = (
            float(f"{1.2 * high * scale:.2g}"),
            "CHECK: 1.2 times the largest current",
        )
    guesses.points = [point]
    return guesses


def _channels() -> Iterator[tuple[str, str, str]]:
    for pair, phase in PAIRS.items():
        yield f"v_{pair}_v", r"\bv|volt|\bu\b|spannung", phase
    for letter in PHASES:
        yield f"v_{letter}_v", r"\bv|volt|\bu\b|spannung", PHASE[letter]
    for letter in PHASES:
        yield f"i_{letter}_a", r"\bi\b|curr|amp|strom", PHASE[letter]
    for letter in PHASES:
        yield f"p_{letter}_w", r"active|\bp\b|wirk|\bk?w\b", PHASE[letter]
    for letter in PHASES:
        yield f"q_{letter}_var", r"reactive|\bq\b|blind|var\b", PHASE[letter]
    yield "p_total_w", r"\bactive|\bp\b", ""
    yield "q_total_var", r"\breactive|\bq\b", ""
    yield "f_hz", r"freq", ""


def _nominal(volts: list[Guess], values: dict[str, Floats]) -> tuple[float, str]:
    if not volts:
        return 0.4, "CHECK: line-to-line voltage of the busbar; nothing in the file tells it"
    known = np.concatenate([values[guess.column] for guess in volts])
    scale = {"kV": 1.0, "mV": 1e-6}.get(volts[0].unit, 1e-3)
    line = float(np.nanmedian(known)) * scale * 3.0**0.5
    level = min(LEVELS_KV, key=lambda kv: abs(np.log(kv / line)) if line > 0.0 else kv)
    return level, f"CHECK: the median of the phase voltages is {line:.4g} kV line to line"


def _frequency(left: list[str], values: dict[str, Floats]) -> Guesses:
    guesses = Guesses()
    for name in sorted(left, key=lambda one: "freq" not in _words(one) and "hz" not in _words(one)):
        if name not in values:
            continue
        live = values[name][np.isfinite(values[name]) & (values[name] != 0.0)]
        median = float(np.median(live)) if len(live) else 0.0
        for system in (50.0, 60.0):
            for unit, scale in (("Hz", 1.0), ("mHz", 1e-3)):
                if abs(median * scale / system - 1.0) < 0.02:
                    guesses.frequency_hz = system
                    guesses.frequency_why = f"the median of {name} is {median:.6g}"
                    guesses.columns = [Guess("f_hz", name, unit, f"its median is {median:.6g}")]
                    return guesses
    guesses.columns = [
        Guess("f_hz", left[0] if left else "?", "Hz", "CHECK: no column lies near 50 or 60 Hz")
    ]
    return guesses


def _named(table: str, left: list[str]) -> Guesses:
    """Columns that are called as in the contract, or as they often are."""
    guesses = Guesses()
    contract, usual = OBSERVED[table], USUAL_NAMES[table]
    for name in left:
        words = _words(name)
        exact = name.lower() if name.lower() in contract.names and name.lower() not in DERIVED else None
        kind = exact or next((kind for kind, pattern in usual.items() if re.search(pattern, words)), None)
        if kind is not None and all(guess.name != kind for guess in guesses.columns):
            into = unit_of(contract.column(kind))
            guesses.columns.append(Guess(kind, name, unit_in(name, into) or into, "by its name"))
    return guesses
