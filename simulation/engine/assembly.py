"""Putting elements' admittances together into the network's matrices after every switching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes, Ints, Layout, Network
from simulation.errors import SimulationError
from substations.description import Substation

_ROTATION = np.exp(-2j * np.pi / 3.0 * np.arange(3))


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of entries that belong to the same place of a matrix.

    Attributes:
        order: Entries sorted by their place.
        starts: Where in that order each place begins.
        places: The places, flat.
        shape: Of the matrix.
    """

    order: Ints
    starts: Ints
    places: Ints
    shape: tuple[int, int]

    @classmethod
    def of(cls, places: Ints, shape: tuple[int, int]) -> Sums:
        """Sort the entries' places once."""
        order = np.argsort(places, kind="stable")
        unique, starts = np.unique(places[order], return_index=True)
        return cls(order, starts, unique, shape)

    def add(self, entries: Complexes) -> Complexes:
        """The matrix."""
        out = np.zeros(self.shape[0] * self.shape[1], dtype=np.complex128)
        out[self.places] = np.add.reduceat(entries[self.order], self.starts)
        return out.reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Where each entry of each element's primitive matrix belongs; the circuit's elements decide it.

    Attributes:
        names: Elements that are not loads, in the engine's order.
        slices: Place of each element's entries in the concatenation of all of them.
        into_y: Flat place in the bordered matrix (earth is its last row and column) of each entry.
        sum_y: How the entries add up to the bordered matrix.
        points_take: Entries that carry current into the points' elements.
        sum_points: How these add up to the bordered matrix of the points.
        source: Name of the source.
        at_source: Whether each point's element is the source, shape [p].
    """

    names: tuple[str, ...]
    slices: dict[str, slice]
    into_y: Ints
    sum_y: Sums
    points_take: Ints
    sum_points: Sums
    source: str
    at_source: NDArray[np.bool_]

    @classmethod
    def of(cls, substation: Substation, layout: Layout, elements: Mapping[str, Any]) -> Assembly:
        """Look up every entry's place once.

        Raises:
            SimulationError: A measurement point's element is not in the circuit.
        """
        size = len(layout.nodes)
        names = tuple(name for name in elements if not name.startswith("load."))
        nodes = {name: conductor_nodes(elements[name]) for name in names}
        slices, places, start = {}, [], 0
        for name in names:
            count = nodes[name].size
            bordered = np.where(nodes[name] < 0, size, nodes[name])
            # Primitive matrices come column by column.
            places.append((bordered[None, :] * (size + 1) + bordered[:, None]).ravel())
            slices[name] = slice(start, start + count * count)
            start += count * count
        take, into = [], []
        for k, point in enumerate(substation.points):
            if point.element not in nodes:
                raise SimulationError(
                    f"{substation.circuit_file}: point {point.id} names {point.element}, which is not there",
                    "name an element that is not a load",
                )
            own = nodes[point.element]
            bordered = np.where(own < 0, size, own)
            first = (point.terminal - 1) * int(elements[point.element].NumConductors())
            for phase in range(3):
                take.append(slices[point.element].start + (first + phase) + own.size * np.arange(own.size))
                into.append((3 * k + phase) * (size + 1) + bordered)
        into_y = np.concatenate(places)
        return cls(
            names,
            slices,
            into_y,
            Sums.of(into_y, (size + 1, size + 1)),
            np.concatenate(take),
            Sums.of(np.concatenate(into), (3 * len(substation.points), size + 1)),
            substation.source,
            np.array([point.element == substation.source for point in substation.points]),
        )

    def read(
        self, entries: Complexes, elements: Mapping[str, Any], names: Iterable[str], off: frozenset[str]
    ) -> None:
        """Read the primitive matrices of `names` into `entries`; elements in `off` are out of service."""
        for name in names:
            entries[self.slices[name]] = 0.0 if name in off else elements[name].YPrim()

    def network(self, layout: Layout, elements: Mapping[str, Any], entries: Complexes) -> Network:
        """Matrices from the entries of all primitive matrices."""
        size = len(layout.nodes)
        y = self.sum_y.add(entries)[:size, :size]
        point_y = self.sum_points.add(entries[self.points_take])[:, :size]
        behind = entries[self.slices[self.source]]
        width = round(np.sqrt(behind.size))
        norton = behind.reshape(width, width, order="F")[:3, :3] @ _ROTATION
        source = np.zeros(size, dtype=np.complex128)
        source[conductor_nodes(elements[self.source])[:3]] = norton
        return Network(layout, y, source, point_y, np.outer(self.at_source, norton).ravel())


def conductor_nodes(element: Any) -> NDArray[np.int64]:
    """Node numbers of an element's conductors, from 0; −1 is earth."""
    return np.asarray(element.NodeRef(), dtype=np.int64) - 1


def read_layout(
    substation: Substation, names: list[str], elements: Mapping[str, Any], loads: tuple[str, ...]
) -> Layout:
    """Nodes, points and loads of a compiled circuit.

    Args:
        substation: Its description.
        names: Node names in the engine's order.
        elements: The circuit's elements by full name.
        loads: Full names of the loads in the order wanted.

    Raises:
        SimulationError: A bus of the circuit is not in the description.
    """
    nodes = tuple(name.lower() for name in names)
    index = {name: k for k, name in enumerate(nodes)}
    kv = {bus.id: bus.nominal_kv for bus in substation.buses}
    strangers = sorted({name.split(".")[0] for name in nodes} - set(kv))
    if strangers:
        raise SimulationError(
            f"{substation.circuit_file}: bus {strangers[0]} is not in {substation.yaml_file.name}",
            "describe it under `buses`",
        )
    ends = [conductor_nodes(elements[name]) for name in loads]
    incidence = np.zeros((len(loads), len(nodes)))
    for k, end in enumerate(ends):
        incidence[k, end[0]] = 1.0
        if end.size > 1 and end[1] >= 0:
            incidence[k, end[1]] = -1.0
    return Layout(
        nodes=nodes,
        base_v=np.array([kv[name.split(".")[0]] * 1e3 / np.sqrt(3.0) for name in nodes]),
        point_nodes=np.array([[index[f"{point.bus}.{k}"] for k in (1, 2, 3)] for point in substation.points]),
        load_nodes=np.array([(end[0], end[1] if end.size > 1 else -1) for end in ends]),
        incidence=incidence,
        load_base_v=np.array([elements[name].kV * 1e3 for name in loads]),
        v_low_pu=np.array([elements[name].VLowpu for name in loads]),
        v_min_pu=np.array([elements[name].VMinpu for name in loads]),
        v_max_pu=np.array([elements[name].VMaxpu for name in loads]),
        of_bus={
            bus: np.array([index[f"{bus}.{k}"] for k in (1, 2, 3)]) for bus in sorted(_three_phase(index))
        },
    )


def _three_phase(index: Mapping[str, int]) -> set[str]:
    buses = {name.split(".")[0] for name in index}
    return {bus for bus in buses if all(f"{bus}.{k}" in index for k in (1, 2, 3))}
