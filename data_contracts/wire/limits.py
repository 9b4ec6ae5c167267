"""How much one request may hold."""

from __future__ import annotations

from data_contracts import ranges

ITEM_BYTES = 256 * 1024
"""Largest body of a single item, and largest item of a batch."""

BATCH_BYTES = 16 * 1024 * 1024
BATCH_ITEMS = 1000
BATCH_WAVEFORMS = 50

READINGS = 600
"""Most readings of one item: ten minutes."""

STEP_S = 1.0
STEP_TOLERANCE_S = 0.25
"""Successive readings are 1 s apart; a gateway's clock may place each up to this much off."""

WAVEFORM_MIN_SAMPLES = 64
WAVEFORM_SAMPLES = 20_000
"""Fewest and most samples of one phase; what an item may hold in bytes bounds them before that."""

WAVEFORM_RATE_HZ = ranges.WAVEFORM_RATE_HZ
HISTORY_VALUES = 10_000
EVENTS = 1_000
NAMED_VALUES = 500
"""Most entries of a mapping by name (taps, capacitor steps, units, renewables)."""
