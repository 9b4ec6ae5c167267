"""`customers`: one customer a row, with the shape of its days, what a meter tells, and its true class."""

from __future__ import annotations

from data_contracts.columns import POINT, SUBSTATION
from data_contracts.contract import Column, Table
from data_contracts.rules.customers import (
    FLEXIBLE_POSSIBLE,
    MEAN_AGREES,
    PEAK_AGREES,
    QUARTERS,
    SHARES_AGREE,
)
from data_contracts.rules.identity import KNOWN_POINT, THIS_SUBSTATION
from data_contracts.rules.order import unique_key

SECTORS = ("residential", "commercial", "industrial", "agricultural")
CLASSES = ("base_load", "peak_shaver", "flexible", "critical")
CUSTOMER_MAX_W = 1e9


def _shape(name: str, description: str) -> Column:
    return Column(name, "float64[]", "W", description, minimum=0, maximum=CUSTOMER_MAX_W, length=QUARTERS)


def _power(name: str, description: str) -> Column:
    return Column(name, "float64", "W", description, minimum=0, maximum=CUSTOMER_MAX_W)


def _share(name: str, description: str) -> Column:
    return Column(name, "float64", "", description, minimum=0, maximum=1)


CUSTOMERS = Table(
    name="customers",
    description="One customer of a feeder: its typical days, figures of its profile, and its true class.",
    key=("customer",),
    columns=(
        Column("customer", "string", "", "Name of the customer"),
        SUBSTATION,
        POINT,
        Column("sector", "string", "", "Sector", allowed=SECTORS),
        _shape("working_w", "Typical working day: mean of each quarter of an hour from local midnight"),
        _shape("weekend_w", "Typical day of a weekend"),
        _power("mean_w", "Mean over a week"),
        _power("peak_w", "Largest quarter of either day"),
        _share("load_factor", "Mean over peak"),
        _share("night_share", "Share of a working day's energy from 0 to 6 h"),
        _share("peak_hours_share", "Share of a working day's energy from 18 to 22 h"),
        Column("weekend_ratio", "float64", "", "Weekend day's energy over a working day's", minimum=0),
        Column("ramp_pu", "float64", "pu", "Largest change from hour to hour, of the peak", minimum=0),
        Column(
            "price_response_pct",
            "float64",
            "%",
            "Estimated fall of the energy from 18 to 22 h on days of high price",
            minimum=-100,
            maximum=100,
        ),
        Column(
            "temperature_pct_per_k",
            "float64",
            "%/K",
            "Estimated rise of the mean with outdoor temperature",
            minimum=-10,
            maximum=20,
        ),
        Column(
            "variability_pct",
            "float64",
            "%",
            "Standard deviation of a quarter from day to day, of its mean",
            minimum=0,
            maximum=200,
        ),
        Column(
            "standby_pct",
            "float64",
            "%",
            "Share of the load that the customer's own generators can carry, as registered",
            minimum=0,
            maximum=100,
        ),
        _power("flexible_w", "True mean power that leaves the hours from 18 to 22 on a day of high price"),
        Column("true_class", "string", "", "Class that the customer was drawn from", allowed=CLASSES),
    ),
    rules=(
        THIS_SUBSTATION,
        KNOWN_POINT,
        unique_key("customer"),
        MEAN_AGREES,
        PEAK_AGREES,
        SHARES_AGREE,
        FLEXIBLE_POSSIBLE,
    ),
)
