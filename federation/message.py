"""What travels between a site and the control centre: named arrays and a JSON header, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from federation.errors import WireError

Header = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Message:
    """A state of the control centre or an update of a site.

    Attributes:
        header: JSON values by name.
        arrays: Numeric arrays by name.
    """

    header: Header
    arrays: Arrays = field(default_factory=dict)

    def array(self, name: str) -> NDArray[Any]:
        """The array called `name`.

        Raises:
            WireError: The message carries no such array.
        """
        if name not in self.arrays:
            raise WireError(
                f"message has no array {name!r}; it has {', '.join(sorted(self.arrays)) or 'none'}"
            )
        return self.arrays[name]

    def value(self, name: str) -> Any:
        """The header's value called `name`.

        Raises:
            WireError: The header has no such value.
        """
        if name not in self.header:
            raise WireError(f"message has no header value {name!r}; it has {', '.join(sorted(self.header))}")
        return self.header[name]

    def with_header(self, **values: Any) -> Message:
        """The same arrays under a header with `values` set."""
        return Message({**self.header, **values}, self.arrays)

    @property
    def n(self) -> int:
        """Rows that entered an update, n_k."""
        return int(self.value("n"))


Update = Message
State = Message
