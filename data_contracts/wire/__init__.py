"""The wire: request and response of `POST /v1/infer`, decoding and checks. Imports no table engine."""

from __future__ import annotations

from data_contracts.wire import limits
from data_contracts.wire.check import PointLimits, check
from data_contracts.wire.decode import MalformedError, WireError, decode, decode_item
from data_contracts.wire.request import (
    Batch,
    Context,
    Event,
    Item,
    LoadHistory,
    LoadingHistory,
    Reading,
    Unit,
    Waveform,
    Weather,
)
from data_contracts.wire.response import (
    BatchResponse,
    Decision,
    Energy,
    FieldError,
    InputQuality,
    LimitExceeded,
    Maintenance,
    Monitoring,
    Problem,
    Response,
)
from data_contracts.wire.rows import CHANNELS, Rows, pack

__all__ = [
    "CHANNELS",
    "Batch",
    "BatchResponse",
    "Context",
    "Decision",
    "Energy",
    "Event",
    "FieldError",
    "InputQuality",
    "Item",
    "LimitExceeded",
    "LoadHistory",
    "LoadingHistory",
    "Maintenance",
    "MalformedError",
    "Monitoring",
    "PointLimits",
    "Problem",
    "Reading",
    "Response",
    "Rows",
    "Unit",
    "Waveform",
    "Weather",
    "WireError",
    "check",
    "decode",
    "decode_item",
    "limits",
    "pack",
]
