"""Bounds that the tables and the wire share. Outside of them a value is wrong, not unusual.

They are wide on purpose: faults, dead channels and spikes are what the models are there to see. What catches
a wrong unit is `data_contracts.units`, not these.
"""

from __future__ import annotations

V_MAX_PU = 3.0
"""Largest voltage, in multiples of the point's nominal; an earth fault on an isolated neutral gives 1.73."""

I_MAX_A = 100e3
"""Largest current, A; breakers of the voltage levels served here break at most 63 kA."""

V_MAX_V = 1.5e6
"""Largest voltage without regard to the point, V (line to line at 765 kV with room above)."""

V_PEAK_MAX_V = 2.0 * V_MAX_V
"""Largest sample of a voltage's waveform without regard to the point, V."""

I_PEAK_MAX_A = 3.0 * I_MAX_A
"""Largest sample of a current, A: a fully displaced short-circuit current peaks at 2.8 times its RMS."""

P_MAX_W = 1e11
"""Largest power of one phase without regard to the point, W or var."""

F_MIN_HZ, F_MAX_HZ = 30.0, 80.0
THD_MAX_PCT = 400.0
PST_MAX = 100.0
WAVEFORM_RATE_HZ = (1_000.0, 100_000.0)
"""Sampling rates of a waveform."""

CAPTURE_CYCLES, CAPTURE_SHARE = 10.0, 0.02
"""A capture holds so many cycles of the nominal frequency, within this share of them."""

AMBIENT_C = (-60.0, 70.0)
IRRADIANCE_W_M2 = (0.0, 1500.0)
WIND_M_S = (0.0, 90.0)
OIL_C = (-60.0, 250.0)

QUALITIES = ("good", "questionable", "invalid")
"""IEC 61850-7-3 validity; a reading's `quality` column holds the position in this tuple."""

GOOD, QUESTIONABLE, INVALID = range(3)

EARLIEST_MS = 946_684_800_000
LATEST_MS = 4_102_444_800_000
"""Timestamps lie between 2000-01-01 and 2100-01-01 UTC; seconds or nanoseconds taken for ms do not."""
