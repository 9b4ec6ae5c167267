"""Rules of `assets`: labels follow from the time to the next event, and what is counted only rises."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule

DAY_MS = 86_400_000
HORIZON_D = 30.0
ROOM_D = 1e-6
GASES = ("h2_ppm", "ch4_ppm", "c2h2_ppm", "c2h4_ppm", "co_ppm")


def _within_a_day(block: Block) -> Mask:
    local = block.integers("t") + block.facts.utc_offset_s * 1000
    mask: Mask = (local % DAY_MS != 0) & ~block.missing("t")
    return mask


LOCAL_DAY = Rule(
    "local_day",
    "t is the beginning of a day at the substation's offset from UTC",
    "time each row at local midnight, in UTC",
    ("t",),
    _within_a_day,
)


def _service(block: Block) -> Mask:
    on = block.floats("in_service") > 0.0
    out = block.floats("forced_outage") > 0.0
    wrong = on == out
    for name in ("time_to_event_d", "failed"):
        wrong |= block.missing(name) == on
    mask: Mask = wrong | (~on & (block.floats("hazard_per_d") > 0.0))
    return mask


SERVICE_AGREES = Rule(
    "service_agrees",
    "equipment is in service or in forced outage; only what is in service has a hazard and a time to the "
    "next event",
    "write null labels and no hazard for days that end in an outage",
    ("in_service", "forced_outage", "time_to_event_d", "failed", "hazard_per_d"),
    _service,
)


def _label(block: Block) -> Mask:
    time, failed = block.floats("time_to_event_d"), block.floats("failed")
    with np.errstate(invalid="ignore"):
        known = (failed > 0.0) | (time >= HORIZON_D)
        expected = (failed > 0.0) & (time <= HORIZON_D)
    label, missing = block.floats("failed_within_30d"), block.missing("failed_within_30d")
    known &= ~block.missing("time_to_event_d")
    mask: Mask = (missing == known) | (known & ~missing & ((label > 0.0) != expected))
    return mask


LABEL_AGREES = Rule(
    "label_agrees",
    f"failed_within_30d is true for a failure within {HORIZON_D:g} days, false where more days passed "
    "without one, and null where observation ends before",
    "derive it from time_to_event_d and failed",
    ("failed_within_30d", "time_to_event_d", "failed"),
    _label,
)


def _successors(block: Block) -> tuple[Mask, Mask]:
    """Rows whose next row is the same asset's next day, and whether that one is of the same spell."""
    ids, _ = block.groups(("asset",))
    t, spell = block.integers("t"), block.floats("spell")
    return (ids[1:] == ids[:-1]) & (np.diff(t) == DAY_MS), spell[1:] == spell[:-1]


def _countdown(block: Block) -> Mask:
    following, same = _successors(block)
    time, on = block.floats("time_to_event_d"), block.floats("in_service") > 0.0
    found = block.none()
    both = following & same & on[1:] & on[:-1]
    with np.errstate(invalid="ignore"):
        found[1:] = both & (np.abs(time[:-1] - 1.0 - time[1:]) > ROOM_D)
        # The last day in service ends less than a day before the failure.
        last = following & on[:-1] & ~on[1:]
        found[:-1] |= last & ((time[:-1] > 1.0 + ROOM_D) | (block.floats("failed")[:-1] == 0.0))
    return found


COUNTDOWN = Rule(
    "countdown",
    "from day to day in service the time to the event falls by one day, and an outage begins with a failure "
    "within a day of the last row in service",
    "count from the end of each day to the same event",
    ("asset", "t", "time_to_event_d", "in_service", "failed", "spell"),
    _countdown,
)


def _spells(block: Block) -> Mask:
    following, same = _successors(block)
    spell, on = block.floats("spell"), block.floats("in_service") > 0.0
    found = block.none()
    found[1:] = following & ~same & ((np.diff(spell) != 1.0) | on[:-1])
    return found


SPELLS = Rule(
    "spells",
    "a spell in service ends by an outage only, and the next one has the next number",
    "raise the spell by one on the day on which equipment comes back",
    ("asset", "t", "spell", "in_service"),
    _spells,
)


def _totals(block: Block) -> Mask:
    found = block.none()
    on = block.floats("in_service") > 0.0
    for part, total in (
        ("through_faults", "through_faults_total"),
        ("i2t_ka2s", "i2t_total_ka2s"),
        ("anomalies_24h", "anomalies_7d"),
        ("anomalies_7d", "anomalies_30d"),
    ):
        found |= on & (block.floats(part) > block.floats(total) * (1.0 + 1e-9))
    return found


TOTALS = Rule(
    "totals",
    "what a day adds in service is no more than what has come together",
    "count the day's own through-faults, I²t and anomalies in the sums",
    (
        "through_faults",
        "through_faults_total",
        "i2t_ka2s",
        "i2t_total_ka2s",
        "anomalies_24h",
        "anomalies_7d",
        "anomalies_30d",
    ),
    _totals,
)


def _risk(block: Block) -> Mask:
    least = -np.expm1(-block.floats("hazard_per_d"))
    mask: Mask = block.floats("risk_30d") < least * (1.0 - 1e-9)
    return mask


RISK_AGREES = Rule(
    "risk_agrees",
    "the risk of thirty days is at least that of the next day, 1 − exp(−hazard_per_d)",
    "integrate the hazard over the thirty days",
    ("risk_30d", "hazard_per_d"),
    _risk,
)


def _gases(block: Block) -> Mask:
    missing = block.missing("dga_age_d")
    found = block.none()
    for name in GASES:
        found |= block.missing(name) != missing
    return found


SAMPLE_WHOLE = Rule(
    "sample_whole",
    "a sample has all gases and an age, or there is none",
    "write the last sample's values together",
    ("dga_age_d", *GASES),
    _gases,
)
