"""Where busbars and bays stand in a single-line diagram: voltage levels from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from substations.description import Bus, Substation, Transformer

PITCH, GAP, MARGIN = 112.0, 84.0, 24.0
# Below this, the page would blow up what is written.
LEAST_WIDTH = 1000.0
# Room that a bay takes below its busbar, in pitches: a transformer's figures stand beside it.
TRANSFORMER_WIDTH, FEEDER_WIDTH, SHUNT_WIDTH = 1.7, 1.0, 0.9
TOP, BELOW_BAYS, BELOW_TRANSFORMERS, APART = 128.0, 262.0, 232.0, 58.0


@dataclass(frozen=True, slots=True)
class Bay:
    """What hangs below a busbar: a list of the description, and the entry's id."""

    of: str
    id: str

    @property
    def width(self) -> float:
        """Room that it takes, in pitches."""
        return {"transformers": TRANSFORMER_WIDTH, "feeders": FEEDER_WIDTH}.get(self.of, SHUNT_WIDTH)


@dataclass(frozen=True, slots=True)
class Bar:
    """A busbar from `left` to `right` at the height `y`."""

    left: float
    right: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in pixels.

    Attributes:
        width: Width of the drawing.
        height: Its height.
        bars: Each busbar.
        below: Abscissa of each bay below its busbar.
        above: Abscissa at which each infeed, and each further winding of a transformer, meets its busbar from
            above, by (list, id, bus).
    """

    width: float
    height: float
    bars: Mapping[str, Bar]
    below: Mapping[Bay, float]
    above: Mapping[tuple[str, str, str], float]


def busbars(substation: Substation) -> list[Bus]:
    """Buses that something is connected to within the station, in the description's order.

    Far ends of feeders, the grid's bus, and tertiary windings that feed nothing are none.
    """
    named = {entry.bus for entry in substation.feeders} | {entry.bus for entry in substation.infeeds}
    named |= {entry.bus for entry in substation.capacitors} | {entry.bus for entry in substation.reactors}
    named |= {entry.bus for entry in substation.earthing}
    named |= {bus for coupler in substation.couplers for bus in coupler.buses}
    named |= {winding.bus for entry in substation.transformers for winding in entry.windings[:2]}
    return [bus for bus in substation.buses if bus.id in named]


def levels(substation: Substation) -> list[tuple[float, list[str]]]:
    """Voltage levels in kV from the highest, with their busbars."""
    found: dict[float, list[str]] = {}
    for bus in busbars(substation):
        found.setdefault(bus.nominal_kv, []).append(bus.id)
    return sorted(found.items(), reverse=True)


def upper_bus(transformer: Transformer) -> str:
    """Bus of the winding with the highest voltage."""
    return max(transformer.windings, key=lambda winding: winding.nominal_kv).bus


def bays_below(substation: Substation, bus: str) -> list[Bay]:
    """What hangs below a busbar, from left to right."""
    return [
        *(Bay("feeders", entry.id) for entry in substation.feeders if entry.bus == bus),
        *(Bay("transformers", entry.id) for entry in substation.transformers if upper_bus(entry) == bus),
        *(Bay("capacitors", entry.id) for entry in substation.capacitors if entry.bus == bus),
        *(Bay("reactors", entry.id) for entry in substation.reactors if entry.bus == bus),
        *(Bay("earthing", entry.id) for entry in substation.earthing if entry.bus == bus),
    ]


def lay_out(substation: Substation) -> Layout:
    """Place everything; busbars of one level share the width, equally where that is not wasteful."""
    hanging = {bus.id: bays_below(substation, bus.id) for bus in busbars(substation)}
    need = {bus: PITCH * max(sum(bay.width for bay in bays), 1.7) for bus, bays in hanging.items()}
    rows = levels(substation)
    width = max(LEAST_WIDTH, *(_row_width([need[bus] for bus in buses]) for _, buses in rows))
    bars: dict[str, Bar] = {}
    y = TOP
    for _, buses in rows:
        free = width - GAP * (len(buses) - 1)
        sizes = [need[bus] for bus in buses]
        equal = free / len(buses) >= max(sizes)
        left = MARGIN
        for bus, size in zip(buses, sizes, strict=True):
            wide = free / len(buses) if equal else free * size / sum(sizes)
            bars[bus] = Bar(left, left + wide, y)
            left += wide + GAP
        feeds = any(bay.of == "feeders" for bus in buses for bay in hanging[bus])
        y += BELOW_BAYS if feeds else BELOW_TRANSFORMERS
    below = {bay: x for bus, bays in hanging.items() for bay, x in _spread(bars[bus], bays)}
    above = dict(_from_above(substation, bars, below))
    return Layout(width + 2 * MARGIN, y - 40.0, bars, below, above)


def _row_width(sizes: list[float]) -> float:
    equal, least = len(sizes) * max(sizes), sum(sizes)
    return (equal if equal <= 1.5 * least else least) + GAP * (len(sizes) - 1)


def _spread(bar: Bar, bays: list[Bay]) -> Iterator[tuple[Bay, float]]:
    total = sum(bay.width for bay in bays)
    used = 0.0
    for bay in bays:
        middle = 0.32 if bay.of == "transformers" and len(bays) > 1 else 0.5
        yield bay, bar.left + (bar.right - bar.left) * (used + middle * bay.width) / total
        used += bay.width


def _from_above(
    substation: Substation, bars: Mapping[str, Bar], below: Mapping[Bay, float]
) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Meeting points as straight below their other end as the busbar and its other bays allow."""
    taken: dict[str, list[float]] = {bus: [] for bus in bars}
    for transformer in substation.transformers:
        upper = upper_bus(transformer)
        for winding in transformer.windings:
            if winding.bus in bars and winding.bus != upper:
                wish = below[Bay("transformers", transformer.id)]
                x = _free(bars[winding.bus], wish, taken[winding.bus])
                yield ("transformers", transformer.id, winding.bus), x
    for bus, bar in bars.items():
        lines = [infeed for infeed in substation.infeeds if infeed.bus == bus]
        for at, infeed in enumerate(lines):
            wish = bar.left + (bar.right - bar.left) * (at + 1) / (len(lines) + 1)
            yield ("infeeds", infeed.id, bus), _free(bar, wish, taken[bus])


def _free(bar: Bar, wish: float, taken: list[float]) -> float:
    """The place nearest to `wish` on a busbar that keeps its distance from those that are taken."""
    low, high = bar.left + 20.0, max(bar.right - 20.0, bar.left + 20.0)
    steps = [low + (high - low) * at / 60.0 for at in range(61)]
    tries = sorted([min(max(wish, low), high), *steps], key=lambda x: abs(x - wish))
    clear = (x for x in tries if all(abs(x - other) >= APART for other in taken))
    x = next(clear, tries[0])
    taken.append(x)
    return x
