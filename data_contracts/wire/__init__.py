"""The wire: request and response of `POST /v1/infer`, decoding and checks. Imports no table engine."""

from __future__ import annotations

from data_contracts.wire import limits
from data_contracts.wire.check import PointLimits, check
from data_contracts.wire.decode import MalformedError, WireError, decode, decode_item
from data_contracts.wire.request import (
    Batch,
    Condition,
    Context,
    Event,
    FeederPower,
    Gases,
    Item,
    LoadHistory,
    LoadingHistory,
    Profile,
    Reading,
    Station,
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
    "Condition",
    "Context",
    "Decision",
    "Energy",
    "Event",
    "FeederPower",
    "FieldError",
    "Gases",
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
    "Profile",
    "Reading",
    "Response",
    "Rows",
    "Station",
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
