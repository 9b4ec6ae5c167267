"""Finished trees of one forest as the arrays of one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.message import Message
from models.trees import TreeArrays

PARTS = ("feature", "threshold", "left", "right", "missing_left")


@dataclass(frozen=True, slots=True)
class PackedTrees:
    """t trees of one output each, their nodes one after the other, m in all; fields as in `TreeArrays`.

    Attributes:
        nodes: Nodes of each tree, int64 [t].
        feature: Column tested; -1 at a leaf.
        threshold: Split value.
        left: Left child within the tree.
        right: Right child.
        missing_left: Whether missing values go left.
        value: Answer of each node, float64 [m].
    """

    nodes: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]

    @classmethod
    def none(cls) -> PackedTrees:
        """No trees yet."""
        whole, real = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(whole, whole, real, whole, whole, np.zeros(0, dtype=bool), real)

    @classmethod
    def read(cls, message: Message) -> PackedTrees:
        """The trees in a state."""
        return cls(**{part.name: message.array(part.name) for part in fields(cls)})

    @property
    def count(self) -> int:
        """Number of trees, t."""
        return int(self.nodes.size)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def with_more(self, trees: Sequence[TreeArrays]) -> PackedTrees:
        """These trees, then `trees`."""
        joined = {
            name: np.concatenate([getattr(self, name), *(getattr(tree, name) for tree in trees)])
            for name in PARTS
        }
        return PackedTrees(
            nodes=np.concatenate([self.nodes, np.asarray([tree.nodes for tree in trees], dtype=np.int64)]),
            value=np.concatenate([self.value, *(tree.value[:, 0] for tree in trees)]),
            **joined,
        )

    def trees(self) -> tuple[TreeArrays, ...]:
        """The trees one by one."""
        ends = np.cumsum(self.nodes)
        parts = [slice(int(end - size), int(end)) for end, size in zip(ends, self.nodes, strict=True)]
        return tuple(
            TreeArrays(value=self.value[part][:, None], **{name: getattr(self, name)[part] for name in PARTS})
            for part in parts
        )
