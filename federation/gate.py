"""What an update must pass before it enters a global model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.envelope import Envelope, unseal
from federation.errors import RefusedUpdateError, WireError
from federation.family import Expected, Family
from federation.message import State, Update
from federation.wire import DEFAULT_CAP, decode


@dataclass
class Gate:
    """Checks updates of one federation.

    Attributes:
        family: Says what arrays a state asks for.
        enrolled: Rows that each site enrolled with; no site may ever count more.
        cap: Largest message in bytes.
    """

    family: Family
    enrolled: Mapping[str, int]
    cap: int = DEFAULT_CAP
    _answered: set[tuple[str, str]] = field(default_factory=set)

    def admit(self, site: str, data: bytes, state: State, asked: Envelope) -> Update:
        """The update in `data` if it may enter.

        Args:
            site: Who the transport says it came from.
            data: Bytes as received.
            state: The state that was sent.
            asked: The envelope in which it was sent to this site.

        Raises:
            RefusedUpdateError: A rule is broken; the error names site, rule, field and value.
        """
        try:
            update, envelope = unseal(decode(data, self.cap))
        except WireError as error:
            rule = "size" if len(data) > self.cap else "format"
            raise RefusedUpdateError(site, rule, error.message, error.remedy) from error
        self._check_envelope(site, envelope, asked)
        n = self._check_count(site, update)
        self._check_fields(site, update, self.family.expects(state, site, n))
        wrong = self.family.inspect(state, update)
        if wrong:
            raise RefusedUpdateError(site, "consistency", wrong)
        self._answered.add((site, envelope.nonce))
        return update

    def _check_envelope(self, site: str, envelope: Envelope, asked: Envelope) -> None:
        if envelope.kind == "failure":
            raise RefusedUpdateError(
                site, "failure", "the site could not compute an update", f"see the log of {site}"
            )
        if (site, envelope.nonce) in self._answered:
            raise RefusedUpdateError(
                site, "replay", f"round {envelope.round} was answered before with this nonce"
            )
        for name in ("kind", "federation", "model", "family", "site", "schema", "round", "nonce"):
            expected = "update" if name == "kind" else getattr(asked, name)
            found = getattr(envelope, name)
            if found != expected:
                rule = {"round": "replay", "nonce": "replay", "schema": "schema"}.get(name, "envelope")
                remedy = "run the same release at every site" if name == "schema" else ""
                raise RefusedUpdateError(site, rule, f"{name} is {found!r}, expected {expected!r}", remedy)

    def _check_count(self, site: str, update: Update) -> int:
        n = update.header.get("n")
        if set(update.header) != {"n"} or not isinstance(n, int) or isinstance(n, bool):
            raise RefusedUpdateError(
                site, "schema", f"header holds {', '.join(sorted(update.header)) or 'nothing'}, expected n"
            )
        most = self.enrolled[site]
        if not 1 <= n <= most:
            raise RefusedUpdateError(site, "count", f"n_k is {n}, {most} rows were enrolled")
        return n

    def _check_fields(self, site: str, update: Update, expected: Mapping[str, Expected]) -> None:
        if set(update.arrays) != set(expected):
            raise RefusedUpdateError(
                site,
                "schema",
                f"fields are {', '.join(sorted(update.arrays))}, expected {', '.join(sorted(expected))}",
            )
        for name, rule in expected.items():
            broken = check_array(update.array(name), rule)
            if broken is not None:
                raise RefusedUpdateError(site, broken[0], f"field {name!r} {broken[1]}")


def check_array(array: NDArray[Any], expected: Expected) -> tuple[str, str] | None:
    """The rule that `array` breaks and how; None if it is as expected."""
    if array.dtype != np.dtype(expected.dtype):
        return "dtype", f"is {array.dtype.str}, expected {expected.dtype}"
    fits = len(array.shape) == len(expected.shape) and all(
        want is None or want == have for want, have in zip(expected.shape, array.shape, strict=True)
    )
    if not fits:
        return "shape", f"has shape {array.shape}, expected {expected.shape}"
    if expected.longest is not None and array.size > expected.longest:
        return "shape", f"has {array.size} elements, at most {expected.longest} are expected"
    return _check_values(array, expected) if array.size else None


def _check_values(array: NDArray[Any], expected: Expected) -> tuple[str, str] | None:
    if not np.isfinite(array).all():
        return "finiteness", "holds NaN or infinity"
    low, high = array.min().item(), array.max().item()
    if low < expected.low or high > expected.high:
        return "bound", f"lies in [{low:g}, {high:g}], allowed is [{expected.low:g}, {expected.high:g}]"
    if expected.total is not None:
        total = float(np.abs(array.astype(np.float64)).sum())
        if total > expected.total:
            return "norm", f"sums to {total:g}, at most {expected.total:g} is allowed"
    return None
