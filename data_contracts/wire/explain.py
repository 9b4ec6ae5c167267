"""Field errors with the path that the gateway wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from data_contracts import plausible
from data_contracts.wire.response import FieldError
from data_contracts.wire.rows import CHANNELS


def field_path(row: int, channel: int) -> str:
    """Path of a channel of one reading, such as `readings[3].v[1]`."""
    for name, place in CHANNELS.items():
        if place.start <= channel < place.stop:
            suffix = "" if place.stop - place.start == 1 else f"[{channel - place.start}]"
            return f"readings[{row}].{name}{suffix}"
    raise IndexError(f"a reading has {len(plausible.CHANNELS)} channels, asked for {channel}")


def at(mask: NDArray[np.bool_], most: int) -> Iterator[tuple[int, int]]:
    """Row and column of the first `most` true elements."""
    for row, column in np.argwhere(mask)[:most]:
        yield int(row), int(column)


def channel_error(row: int, channel: int, value: float | None, rule: str, text: str) -> FieldError:
    """The error of one channel of one reading; the unit is the contract's."""
    unit = plausible.CHANNELS[channel].unit
    found = "null" if value is None else f"{value:.6g} {unit}".rstrip()
    return FieldError(field=field_path(row, channel), rule=rule, message=f"{text}; got {found}", value=value)


def time_error(row: int, t: float, rule: str, text: str) -> FieldError:
    """The error of one reading's time."""
    try:
        value = datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        value = f"{t:g} s since 1970"
    return FieldError(field=f"readings[{row}].t", rule=rule, message=text, value=value)
