"""Clients of the inference endpoint, blocking and asynchronous: typed answers and errors, patient retries."""

from __future__ import annotations

from switchyard.client.answers import Catalogue, Response
from switchyard.client.asynchronous import AsyncClient
from switchyard.client.blocking import Client
from switchyard.client.errors import (
    BusyError,
    DeniedError,
    FieldProblem,
    ProblemError,
    RefusedError,
    ServiceError,
    UnreachableError,
)

__all__ = [
    "AsyncClient",
    "BusyError",
    "Catalogue",
    "Client",
    "DeniedError",
    "FieldProblem",
    "ProblemError",
    "RefusedError",
    "Response",
    "ServiceError",
    "UnreachableError",
]
