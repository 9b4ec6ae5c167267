"""The request of `POST /v1/infer`: one item, or `{"items": [...]}`.

Decoding is strict: an unknown field, a wrong type or a wrong number of phases is refused with its path.
What goes beyond types (ranges by the point's nominal, time, units) is checked in `data_contracts.wire.check`.
Units and signs are those of the table `readings`: primary side, phase-to-neutral and line-to-line volts,
P positive out of the busbar.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from data_contracts import ranges
from data_contracts.wire import limits
from data_contracts.wire.grid import Grid

Time = Annotated[datetime, Meta(tz=True, description="ISO 8601 with its zone")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Phases = tuple[float | None, float | None, float | None]
"""Phases a, b, c. Null is allowed in a reading of quality `invalid`, at measured datasets in any."""

Quality = Literal["good", "questionable", "invalid"]
Positive = Annotated[float, Meta(ge=0)]
Samples = Meta(min_length=limits.WAVEFORM_MIN_SAMPLES, max_length=limits.WAVEFORM_SAMPLES)
Volts = Annotated[list[Annotated[float, Meta(ge=-ranges.V_PEAK_MAX_V, le=ranges.V_PEAK_MAX_V)]], Samples]
Amperes = Annotated[list[Annotated[float, Meta(ge=-ranges.I_PEAK_MAX_A, le=ranges.I_PEAK_MAX_A)]], Samples]
Parts = Annotated[float, Meta(ge=0, le=1e6)]
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
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
Watts = Annotated[float, Meta(ge=-3 * ranges.P_MAX_W, le=3 * ranges.P_MAX_W)]
Volt = Annotated[float, Meta(ge=0, le=ranges.V_PEAK_MAX_V)]


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One second at one measurement point.

    Attributes:
        t: The second that it describes.
        v: Phase-to-neutral RMS voltages, V.
        i: RMS currents, A.
        p: Active powers, W.
        q: Reactive powers, var.
        f: Frequency, Hz.
        v_ll: Line voltages ab, bc, ca, V.
        v_min: Smallest half-cycle RMS of the second, V.
        v_max: Largest half-cycle RMS of the second, V.
        thd: Total harmonic distortion of the voltages, %.
        pst: Short-term flicker severity.
        quality: IEC 61850 validity.
    """

    t: Time
    v: Phases
    i: Phases
    p: Phases
    q: Phases
    f: float | None
    v_ll: Phases | UnsetType = UNSET
    v_min: Phases | UnsetType = UNSET
    v_max: Phases | UnsetType = UNSET
    thd: Phases | UnsetType = UNSET
    pst: float | UnsetType | None = UNSET
    quality: Quality = "good"


class Waveform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ten cycles of sampled voltages (V) and currents (A) of phases a, b, c; all six series are equally long.

    Attributes:
        rate_hz: Samples a second, Hz; the series have 10 nominal cycles of them, within 2 %.
        v: Phase-to-neutral voltages, V.
        i: Currents, A.
    """

    rate_hz: Annotated[float, Meta(ge=limits.WAVEFORM_RATE_HZ[0], le=limits.WAVEFORM_RATE_HZ[1])]
    v: tuple[Volts, Volts, Volts]
    i: tuple[Amperes, Amperes, Amperes]


class LoadHistory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mean active power of the steps that end at `end`, W, oldest first."""

    step_s: Annotated[int, Meta(ge=1, le=86_400)]
    end: Time
    p: Annotated[list[Watts], Meta(min_length=1, max_length=limits.HISTORY_VALUES)]


class LoadingHistory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Loading of the steps that end at `end`, of rated power, oldest first."""

    step_s: Annotated[int, Meta(ge=1, le=86_400)]
    end: Time
    pu: Annotated[
        list[Annotated[float, Meta(ge=0, le=10)]], Meta(min_length=1, max_length=limits.HISTORY_VALUES)
    ]


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A voltage event that has happened: depth or height in % of nominal, duration in ms."""

    t: Time
    kind: Literal["sag", "swell", "interruption", "rapid_voltage_change"]
    depth_pct: Annotated[float, Meta(ge=0, le=200)]
    duration_ms: Positive


class Weather(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weather at the substation: wind m/s, lightning strokes per hour nearby, global irradiance W/m²."""

    wind_m_s: Annotated[float, Meta(ge=ranges.WIND_M_S[0], le=ranges.WIND_M_S[1])] | UnsetType = UNSET
    lightning_per_h: Annotated[float, Meta(ge=0, le=1e5)] | UnsetType = UNSET
    ghi_w_m2: (
        Annotated[float, Meta(ge=ranges.IRRADIANCE_W_M2[0], le=ranges.IRRADIANCE_W_M2[1])] | UnsetType
    ) = UNSET


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What months of records say of the customers behind the point, as the table `customers` states it.

    Attributes:
        price_response_pct: Fall of the energy from 18 to 22 h on days of high price, %.
        temperature_pct_per_k: Rise of the mean with outdoor temperature, %/K.
        variability_pct: Standard deviation of a quarter of an hour from day to day, % of its mean.
        standby_pct: Share of the load that own generators can carry, %.
    """

    price_response_pct: Annotated[float, Meta(ge=-100, le=100)] | UnsetType = UNSET
    temperature_pct_per_k: Annotated[float, Meta(ge=-10, le=20)] | UnsetType = UNSET
    variability_pct: Annotated[float, Meta(ge=0, le=200)] | UnsetType = UNSET
    standby_pct: Annotated[float, Meta(ge=0, le=100)] | UnsetType = UNSET


class Unit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A generating unit: what it can produce now, MW, and its variable cost at rest, currency per MWh."""

    available_mw: Annotated[float, Meta(ge=0, le=1e5)]
    cost_per_mwh: Annotated[float, Meta(ge=0, le=1e6)] | UnsetType = UNSET


class Gases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gases dissolved in oil by the last sample, ppm."""

    h2_ppm: Parts | UnsetType = UNSET
    ch4_ppm: Parts | UnsetType = UNSET
    c2h2_ppm: Parts | UnsetType = UNSET
    c2h4_ppm: Parts | UnsetType = UNSET
    co_ppm: Parts | UnsetType = UNSET


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Condition of one piece of equipment. What it does not have, such as gases of a breaker, is left out.

    Attributes:
        asset_kind: What it is; taken from the substation's description where that knows the piece.
        age_years: Age of the piece that stands there; by default from its commissioning in the description.
        anomalies_7d: Anomalies that its monitoring counted in the last seven days in service.
        anomalies_30d: The same in the last thirty days.
        load_pu: Mean load of the last day over rated load.
        hot_spot_c: Largest hot-spot of the last day, or temperature of the hottest conductor, °C.
        through_faults: Faults whose current has passed through it so far.
        moisture_pct: Water in paper, %.
        oltc_operations: Tap changes so far.
        breaker_operations: Operations so far.
        dga: Gases dissolved in its oil.
    """

    asset_kind: AssetKind | UnsetType = UNSET
    age_years: Annotated[float, Meta(ge=0, le=150)] | UnsetType = UNSET
    anomalies_7d: Count | UnsetType = UNSET
    anomalies_30d: Count | UnsetType = UNSET
    load_pu: Annotated[float, Meta(ge=0, le=10)] | UnsetType = UNSET
    hot_spot_c: Annotated[float, Meta(ge=ranges.OIL_C[0], le=ranges.OIL_C[1])] | UnsetType = UNSET
    through_faults: Count | UnsetType = UNSET
    moisture_pct: Annotated[float, Meta(ge=0, le=10)] | UnsetType = UNSET
    oltc_operations: Count | UnsetType = UNSET
    breaker_operations: Count | UnsetType = UNSET
    dga: Gases | UnsetType = UNSET


class PhasePowers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Active powers, W, and reactive powers, var, of phases a, b, c."""

    p: tuple[Watts, Watts, Watts]
    q: tuple[Watts, Watts, Watts]


class FeederPower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a feeder draws from its busbar, as its bay's meter has it.

    Attributes:
        p_w: Active power of all phases, W.
        q_var: Their reactive power, var.
        bus: Busbar that it hangs on now.
        phases: Power of each phase.
    """

    p_w: Watts
    q_var: Watts
    bus: Name | UnsetType = UNSET
    phases: PhasePowers | UnsetType = UNSET


class BayPower(PhasePowers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the meters in the bay of a transformer's second winding say, with signs as in `readings`.

    Attributes:
        v: Phase-to-neutral voltages, V.
    """

    v: tuple[Volt, Volt, Volt]


class SupplyPower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a traction supply draws: the phases that it lies between, W and var; 0 where it rests."""

    phases: Literal["ab", "bc", "ca"]
    p_w: Watts
    q_var: Watts


class Station(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The station as a whole in the quarter of an hour of the readings.

    Attributes:
        feeders: Mean power of every feeder of the description, by its name.
        v_infeed_v: Mean phase-to-neutral voltage at the first infeed's busbar, V.
        transformers: Voltages and powers at the second winding of every transformer, by its name.
        traction: Every traction supply by its name; empty where there is none.
    """

    feeders: Annotated[dict[Name, FeederPower], Meta(max_length=limits.NAMED_VALUES)] | UnsetType = UNSET
    v_infeed_v: Annotated[float, Meta(ge=0, le=ranges.V_PEAK_MAX_V)] | UnsetType = UNSET
    transformers: Annotated[dict[Name, BayPower], Meta(max_length=limits.NAMED_VALUES)] | UnsetType = UNSET
    traction: Annotated[dict[Name, SupplyPower], Meta(max_length=limits.NAMED_VALUES)] | UnsetType = UNSET


class Context(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway knows beside the readings. A model whose context is missing abstains.

    Attributes:
        ambient_c: Air temperature, °C.
        top_oil_c: Top-oil temperature of the bay's transformer, °C.
        hours_since_maintenance: Of the bay's equipment, h.
        anomalies_24h: Anomalies seen at the point in the last 24 h.
        events: Voltage events of the recent past.
        planned_switching: When switching is planned.
        holidays: Public holidays by the local date, from eight days back to tomorrow; by default those of the
            country's calendar.
        weather: Weather at the substation.
        loading_history: Loading of the bay's transformer.
        profile: What records say of the customers behind the point.
        tap: Tap position by transformer.
        capacitor_steps: Steps in service by capacitor bank.
        station: Feeders and infeed of the whole station.
        units: Generating units by name.
        renewables_mw: Renewable production available by name, MW.
        system_load_mw: Load of the whole grid, MW.
        bus_load_mw: Load by bus of the grid, such as `b03`, MW.
        grid: What the control centre knows of the whole grid.
        asset: Piece of equipment of the description that `condition`, `hours_since_maintenance` and
            `anomalies_24h` are about; by default the element whose current the point measures.
        condition: Its condition.
    """

    ambient_c: Annotated[float, Meta(ge=ranges.AMBIENT_C[0], le=ranges.AMBIENT_C[1])] | UnsetType = UNSET
    top_oil_c: Annotated[float, Meta(ge=ranges.OIL_C[0], le=ranges.OIL_C[1])] | UnsetType = UNSET
    hours_since_maintenance: Annotated[float, Meta(ge=0, le=1e6)] | UnsetType = UNSET
    anomalies_24h: Annotated[int, Meta(ge=0, le=86_400)] | UnsetType = UNSET
    events: Annotated[list[Event], Meta(max_length=limits.EVENTS)] | UnsetType = UNSET
    planned_switching: Annotated[list[Time], Meta(max_length=limits.EVENTS)] | UnsetType = UNSET
    holidays: Annotated[list[date], Meta(max_length=limits.EVENTS)] | UnsetType = UNSET
    weather: Weather | UnsetType = UNSET
    loading_history: LoadingHistory | UnsetType = UNSET
    profile: Profile | UnsetType = UNSET
    tap: (
        Annotated[dict[Name, Annotated[int, Meta(ge=-100, le=100)]], Meta(max_length=limits.NAMED_VALUES)]
        | UnsetType
    ) = UNSET
    capacitor_steps: (
        Annotated[dict[Name, Annotated[int, Meta(ge=0, le=100)]], Meta(max_length=limits.NAMED_VALUES)]
        | UnsetType
    ) = UNSET
    station: Station | UnsetType = UNSET
    units: Annotated[dict[Name, Unit], Meta(max_length=limits.NAMED_VALUES)] | UnsetType = UNSET
    renewables_mw: (
        Annotated[dict[Name, Annotated[float, Meta(ge=0, le=1e5)]], Meta(max_length=limits.NAMED_VALUES)]
        | UnsetType
    ) = UNSET
    system_load_mw: Annotated[float, Meta(ge=0, le=1e7)] | UnsetType = UNSET
    bus_load_mw: (
        Annotated[dict[Name, Annotated[float, Meta(ge=-1e5, le=1e5)]], Meta(max_length=limits.NAMED_VALUES)]
        | UnsetType
    ) = UNSET
    grid: Grid | UnsetType = UNSET
    asset: Name | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measurement point with its latest readings.

    Attributes:
        substation: Name of the substation.
        point: Measurement point of its description.
        readings: Oldest first, 1 s apart.
        waveform: One capture of the waveform at the last reading.
        load_history: Load of the feeder.
        context: What else is known.
        models: Models to ask; unset asks all 16.
        test: The data comes from a test (IEC 61850 test flag): it is answered, never alarms and never trains.
    """

    substation: Name
    point: Name
    readings: Annotated[list[Reading], Meta(min_length=1, max_length=limits.READINGS)]
    waveform: Waveform | UnsetType = UNSET
    load_history: LoadHistory | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    models: Annotated[list[Name], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    test: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 1000 items, each still encoded, so that one bad item cannot fail the others.

    Attributes:
        items: The encoded items.
        models: Models to ask for the items that name none.
    """

    items: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=limits.BATCH_ITEMS)]
    models: Annotated[list[Name], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
