"""How the samples of a window lie in memory.

Samples are kept as `[step, channel, window]` with the windows contiguous: every statistic of every channel is
then one pass of numpy over long rows, whether there is one window or a million.
"""

from __future__ import annotations

WINDOW = 10
"""Readings of one window, one second apart."""

ROLLING = 5
"""Readings at the end of the window that the rolling features look at."""

# Rows of `Windows.samples`, SI units. The order puts what the statistics treat alike side by side.
V_MIN = slice(0, 3)
V_MAX = slice(3, 6)
THD = slice(6, 9)
PST = 9
V_LL = slice(10, 13)
P = slice(13, 16)
Q = slice(16, 19)
POWER = slice(13, 19)
I = slice(19, 22)
V = slice(22, 25)
F = 25
CHANNELS = 26

# Rows that the statistics append: means of the three phases (P, Q, I, V), three-phase apparent power, and
# once more F, P, Q, I, V of the three phases with nothing before the rolling part.
THREE_PHASE = slice(26, 30)
S3 = 30
RECENT = slice(31, 36)
RECENT_OF = slice(25, 30)
ROWS = 36

# Channels that an instrument may lack altogether.
OPTIONAL = slice(0, 13)
# Channels that every reading has, and what is made of them.
MAIN = slice(13, 36)
# Rows with all statistics: I, V, F, P3, Q3, I3, V3, S3, and the recent F, P3, Q3, I3, V3.
CORE = slice(19, 36)
# Five times three phases: v_ll, p, q, i, v.
PHASED = slice(10, 25)

# Positions inside the PHASED block.
P_LL, P_I, P_V = 0, 3, 4

# Positions inside the CORE block.
C_IV = slice(0, 6)
C_I = slice(0, 3)
C_V = slice(3, 6)
C_F = 6
C_P3 = 7
C_Q3 = 8
C_I3 = 9
C_V3 = 10
C_S3 = 11
C_WHOLE = slice(0, 12)
C_RECENT = slice(12, 17)

CHANNEL_ROWS: dict[str, slice | int] = {
    "v": V,
    "i": I,
    "p": P,
    "q": Q,
    "f": F,
    "v_ll": V_LL,
    "v_min": V_MIN,
    "v_max": V_MAX,
    "thd": THD,
    "pst": PST,
}
"""Rows of each channel by its name on the wire."""

COLUMNS: tuple[str, ...] = (
    *(f"v_min_{phase}_v" for phase in "abc"),
    *(f"v_max_{phase}_v" for phase in "abc"),
    *(f"thd_{phase}_pct" for phase in "abc"),
    "pst",
    *(f"v_{pair}_v" for pair in ("ab", "bc", "ca")),
    *(f"p_{phase}_w" for phase in "abc"),
    *(f"q_{phase}_var" for phase in "abc"),
    *(f"i_{phase}_a" for phase in "abc"),
    *(f"v_{phase}_v" for phase in "abc"),
    "f_hz",
)
"""Column of the table `readings` that fills each row."""

QUESTIONABLE, INVALID = 1, 2
"""Quality codes, as in the table `readings`; 0 is good. An invalid sample is missing in every channel."""
