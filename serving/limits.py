"""Limits of one worker; those of one request are the contract's, `data_contracts.wire.limits`."""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.wire.limits import BATCH_BYTES, ITEM_BYTES

KIB = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker takes on.

    Attributes:
        item_bytes: Largest body of a single item.
        batch_bytes: Largest body of a batch.
        in_flight: Requests that may be at work at once; one more is told to come back.
        large_in_flight: Of these, bodies larger than `item_bytes`: they bound the worker's memory.
        beside: Requests that may be computed or wait beside the event loop: what takes long must not take the
            places of what does not.
        inline_bytes: Larger bodies are computed beside the event loop, so that small ones need not wait.
        body_s: Seconds within which a request's body must have arrived.
        deadline_s: Seconds within which a request is answered, or told that it is not.
        retry_after_s: Seconds after which a shed client should come back.
        poll_s: Seconds between two looks at `serving/current`.
        retry_s: Seconds after which a refused snapshot is tried again.
        drain_s: Seconds for which a stopping worker still tells newcomers to go elsewhere.
        drain_limit_s: Seconds after which a stopping worker no longer waits for requests at work.
    """

    item_bytes: int = ITEM_BYTES
    batch_bytes: int = BATCH_BYTES
    in_flight: int = 64
    large_in_flight: int = 4
    beside: int = 8
    inline_bytes: int = 32 * KIB
    body_s: float = 10.0
    deadline_s: float = 10.0
    retry_after_s: int = 1
    poll_s: float = 1.0
    retry_s: float = 30.0
    drain_s: float = 1.0
    drain_limit_s: float = 20.0
