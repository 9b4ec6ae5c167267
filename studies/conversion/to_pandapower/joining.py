"""Three equal elements of one phase each, one on every phase of a bus, as one three-phase element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studies.conversion.to_pandapower.parts import PHASES, Part

_KINDS = ("load", "capacitor", "reactor")
_LOAD = ("kv", "kw", "kvar", "model", "vminpu", "vmaxpu", "vlowpu")


def join_phases(parts: Sequence[Part]) -> list[Part]:
    """Put together what is equal in the three phases; the rest stays as it is.

    The joined element bears the three names with `+` between them.

    Args:
        parts: Elements in the circuit's order.
    """
    waiting: dict[tuple[object, ...], dict[int, list[Part]]] = {}
    for part in parts:
        if (key := _key(part)) is not None:
            waiting.setdefault(key, {1: [], 2: [], 3: []})[int(part.nodes[0, 0])].append(part)
    joined: dict[str, Part] = {}
    gone: set[str] = set()
    for by_phase in waiting.values():
        for three in zip(by_phase[1], by_phase[2], by_phase[3], strict=False):
            joined[three[0].name] = _joined(three)
            gone |= {part.name for part in three[1:]}
    return [joined.get(part.name, part) for part in parts if part.name not in gone]


def _key(part: Part) -> tuple[object, ...] | None:
    """What is the same for elements that belong together; None if it is not of one phase to earth."""
    if part.kind not in _KINDS or part.nodes[0, 0] not in {1, 2, 3} or any(part.opened):
        return None
    if int(part.number("phases")) != 1 or part.nodes.ravel()[1:].any():
        return None
    if part.kind == "load":
        # Written with as many digits as two equal values have in common.
        return (part.kind, part.buses[0], *(f"{part.number(name):.9g}" for name in _LOAD))
    y = part.y[0, 0]
    return (part.kind, part.buses[0], f"{y.real:.9g}", f"{y.imag:.9g}")


def _joined(three: Sequence[Part]) -> Part:
    first = three[0]
    properties = dict(first.properties) | {"phases": PHASES}
    if first.kind == "load":
        properties |= {
            "kv": first.number("kv") * np.sqrt(3.0),
            "kw": sum(part.number("kw") for part in three),
            "kvar": sum(part.number("kvar") for part in three),
        }
    return replace(
        first,
        name=f"{first.kind}.{'+'.join(part.own_name for part in three)}",
        properties=properties,
        buses=first.buses[:1],
        nodes=np.array([[1, 2, 3]], dtype=np.int64),
        opened=(False,),
        y=np.diag([part.y[0, 0] for part in three]),
        v=np.array([[part.v[0, 0] for part in three]]),
        i=np.array([[part.i[0, 0] for part in three]]),
    )
