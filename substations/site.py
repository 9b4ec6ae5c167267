"""Site, limits, busbars, assets and measurement points of a substation, as its description states them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from substations.parts import BusName, Element, Name, NonNegative, Part, Positive, Share

PointKind = Literal["infeed", "transformer_bay", "bus", "feeder", "system"]
Measure = Literal["v_ll", "v_min", "v_max", "thd", "pst"]
AssetKind = Literal[
    "breaker",
    "isolator",
    "ct",
    "cvt",
    "vt",
    "arrester",
    "transformer",
    "earthing_transformer",
    "reactor",
    "capacitor",
    "line",
    "cable",
    "busbar",
]


class Climate(Part, frozen=True, kw_only=True):
    """Weather at the site, as the parameters of a seasonal and daily model.

    Attributes:
        mean_c: Yearly mean of the air temperature.
        annual_amplitude_c: Half the swing between the hottest and the coldest month's mean.
        daily_amplitude_c: Half the swing between the day's maximum and minimum.
        noise_c: Standard deviation of day-to-day weather.
        cloudiness: Mean share of the clear-sky irradiance that clouds take, 0–1.
        wind_m_s: Mean wind speed.
    """

    mean_c: float
    annual_amplitude_c: NonNegative
    daily_amplitude_c: NonNegative
    noise_c: NonNegative
    cloudiness: Share
    wind_m_s: NonNegative


class Limit(Part, frozen=True, kw_only=True):
    """What is permitted at one nominal voltage in steady operation.

    Attributes:
        nominal_kv: Voltage level, line to line.
        v_min_pu: Lowest permitted voltage.
        v_max_pu: Highest permitted voltage.
        vuf_pct: Highest permitted unbalance, 100·|V2|/|V1|.
        thd_pct: Highest permitted total harmonic distortion of the voltage.
        single_harmonic_pct: Highest permitted single voltage harmonic.
        standard: Where the figures come from.
    """

    nominal_kv: Positive
    v_min_pu: Positive
    v_max_pu: Positive
    vuf_pct: Positive
    thd_pct: Positive
    single_harmonic_pct: Positive
    standard: str


class Bus(Part, frozen=True, kw_only=True):
    """One node of the single-line diagram; also a bus of the circuit.

    Attributes:
        id: Name in the circuit, lower case.
        nominal_kv: Line-to-line nominal voltage.
        breaker_ka: Rated short-circuit breaking current of the breakers here; null where there is none.
        section: Busbar section, null for a line's far end or a tertiary winding.
    """

    id: BusName
    nominal_kv: Positive
    breaker_ka: Positive | None = None
    section: str | None = None


class Asset(Part, frozen=True, kw_only=True):
    """One piece of equipment.

    Attributes:
        id: Name on the single-line diagram.
        kind: What it is.
        bay: Bay that it belongs to.
        bus: Bus that it is connected to.
        element: Element of the circuit that models it; null for switchgear and instruments.
        commissioned: First day in service.
        ratings: Rated values; the unit is part of each key, such as `kv`, `a`, `ka`, `mva_onan`; or a class,
            `accuracy_class`.
    """

    id: Name
    kind: AssetKind
    bay: Name
    bus: BusName
    element: Element | None = None
    commissioned: date
    ratings: dict[str, float] = field(default_factory=dict)


class Point(Part, frozen=True, kw_only=True):
    """One measurement point.

    Power is positive out of the busbar into `element`: a bay that feeds the bus reads negative. A bus point
    pairs the busbar's voltage transformers with the incoming transformer bay's current transformers.

    Attributes:
        id: Name in every table, upper case.
        kind: What is measured; decides which models apply.
        bus: Bus whose voltage is measured.
        element: Element whose current is measured.
        terminal: Terminal of the element, from 1.
        nominal_kv: Line-to-line nominal voltage.
        rated_a: Rated current of the bay, also the current transformers' primary.
        rated_mva: Rated three-phase power of what the point watches.
        ct_class: Accuracy class of the current transformers (IEC 61869-2): 0.2, 0.5 or 1.0.
        vt_class: Accuracy class of the voltage transformers (IEC 61869-3 and -5).
        vt_kind: Capacitor voltage transformer (`cvt`) or `inductive`.
        measures: Channels beyond the mean RMS values, powers and frequency.
    """

    id: Name
    kind: PointKind
    bus: BusName
    element: Element
    terminal: Annotated[int, Meta(ge=1, le=3)]
    nominal_kv: Positive
    rated_a: Positive
    rated_mva: Positive
    ct_class: Positive
    vt_class: Positive
    vt_kind: Literal["cvt", "inductive"]
    measures: tuple[Measure, ...] = ()
