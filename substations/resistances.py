"""Impedances of lines, read from a circuit's text: serving has no engine that could compile it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from substations.description import Substation
from substations.places import in_circuit

_WORD = re.compile(r"([%\w]+)\s*=\s*(\[[^\]]*\]|\([^)]*\)|\"[^\"]*\"|\S+)")
_NEW = re.compile(r"new\s+(?:object\s*=\s*)?(?P<name>[\w.]+)", re.IGNORECASE)


_NANO = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """Positive-sequence resistance, Ω, and reactance, Ω, and capacitance to earth, F, of a whole line."""

    r_ohm: float
    x_ohm: float
    c_f: float


def line_ohms(substation: Substation) -> dict[str, float]:
    """Resistance of each described line, Ω.

    Raises:
        SubstationError: A line states its impedance in another way than `lines` reads it.
    """
    return {name: line.r_ohm for name, line in lines(substation).items()}


def lines(substation: Substation) -> dict[str, Line]:
    """Positive-sequence impedance of each described line at the circuit's reference temperature.

    Lines are those of infeeds and feeders. Each must name a `linecode` that states `r1` and `x1` in ohm and
    `c1` in nF per km, and its `length` in km.

    Raises:
        SubstationError: A line states its impedance in another way.
    """
    objects = dict(_objects(substation.circuit_file.read_text(encoding="utf-8")))
    wanted = [infeed.line for infeed in substation.infeeds]
    wanted += [feeder.line for feeder in substation.feeders if feeder.line is not None]
    found = {}
    for name in wanted:
        line = objects.get(name, {})
        code = objects.get(f"linecode.{line.get('linecode', '')}", {})
        in_km = line.get("units") == "km" and code.get("units") == "km"
        if not in_km or not {"r1", "x1", "c1"} <= code.keys() or "length" not in line:
            raise in_circuit(
                substation,
                name,
                "the impedance cannot be read from the text",
                "give the line a linecode with units=km, r1=, x1= and c1=, and units=km and length=",
            )
        km = float(line["length"])
        found[name] = Line(float(code["r1"]) * km, float(code["x1"]) * km, float(code["c1"]) * km * _NANO)
    return found


def _objects(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and properties of each `new` object, all in lower case; `~` goes on with the object above."""
    name, properties = "", dict[str, str]()
    for raw in text.splitlines():
        line = re.split(r"//|!", raw, maxsplit=1)[0].strip()
        begins = _NEW.match(line)
        if begins:
            if name:
                yield name, properties
            name, properties = begins["name"].lower(), {}
        elif not line.startswith("~"):
            continue
        properties |= {key.lower(): value.lower() for key, value in _WORD.findall(line)}
    if name:
        yield name, properties
