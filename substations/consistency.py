"""What must hold inside a description, before any circuit is looked at."""

from __future__ import annotations

from math import sqrt

from substations.description import Feeder, Point, Substation, Transformer
from substations.errors import did_you_mean
from substations.places import in_yaml
from substations.references import check_references

# Accuracy classes for measurement that the instrument model knows (IEC 61869-2, -3 and -5).
ACCURACY_CLASSES = (0.1, 0.2, 0.5, 1.0)
# IEC 61869-2: measuring current transformers keep their class up to 120 % of the rated current.
EXTENDED_CURRENT = 1.2


def check_consistency(substation: Substation) -> None:
    """Check references, shares and ratings that need no engine.

    Raises:
        SubstationError: The first rule that is broken.
    """
    check_references(substation)
    _check_limits(substation)
    for point in substation.points:
        _check_point(substation, point)
    for infeed in substation.infeeds:
        _check_bay_point(substation, f"infeeds[{infeed.id}].point", infeed.point, infeed.bus)
    for feeder in substation.feeders:
        _check_feeder(substation, feeder)
    for transformer in substation.transformers:
        _check_transformer(substation, transformer)
    _check_breakers(substation)


def _check_limits(substation: Substation) -> None:
    for bus in substation.buses:
        limit = substation.limit(bus.nominal_kv)
        if limit.v_min_pu >= limit.v_max_pu:
            raise in_yaml(
                substation,
                f"limits[{limit.nominal_kv:g} kV]",
                f"v_min_pu {limit.v_min_pu:g} is not below v_max_pu {limit.v_max_pu:g}",
                "correct the band",
            )


def _check_breakers(substation: Substation) -> None:
    for asset in substation.assets:
        rated, needed = asset.ratings.get("ka"), substation.bus(asset.bus).breaker_ka
        if asset.kind == "breaker" and rated is not None and needed is not None and rated < needed:
            raise in_yaml(
                substation,
                f"assets[{asset.id}].ratings.ka",
                f"{rated:g} kA is below the {needed:g} kA that bus {asset.bus} states for its breakers",
                f"correct it, or lower buses[{asset.bus}].breaker_ka",
            )


def _check_point(substation: Substation, point: Point) -> None:
    key = f"points[{point.id}]"
    nominal_kv = substation.bus(point.bus).nominal_kv
    if point.nominal_kv != nominal_kv:
        raise in_yaml(
            substation,
            f"{key}.nominal_kv",
            f"{point.nominal_kv:g} kV at bus {point.bus} of {nominal_kv:g} kV",
            "give point and bus the same nominal voltage",
        )
    highest_mva = EXTENDED_CURRENT * sqrt(3) * point.nominal_kv * point.rated_a / 1000
    if point.rated_mva > highest_mva:
        raise in_yaml(
            substation,
            f"{key}.rated_mva",
            f"{point.rated_mva:g} MVA is above 120 % of what {point.rated_a:g} A current transformers carry",
            f"choose rated_a for at least {point.rated_mva / highest_mva * point.rated_a:.0f} A",
        )
    for field, value in (("ct_class", point.ct_class), ("vt_class", point.vt_class)):
        if value not in ACCURACY_CLASSES:
            allowed = ", ".join(f"{option:g}" for option in ACCURACY_CLASSES)
            raise in_yaml(
                substation, f"{key}.{field}", f"{value:g} is no accuracy class", f"use one of: {allowed}"
            )


def _check_bay_point(substation: Substation, key: str, name: str, bus: str) -> None:
    points = {point.id: point for point in substation.points}
    if name not in points:
        raise in_yaml(substation, key, f"there is no point {name!r} under points", did_you_mean(name, points))
    if points[name].bus != bus:
        raise in_yaml(
            substation,
            key,
            f"point {name} measures bus {points[name].bus}, not {bus}",
            "name the point on the same bus",
        )


def _check_feeder(substation: Substation, feeder: Feeder) -> None:
    key = f"feeders[{feeder.id}]"
    _check_bay_point(substation, f"{key}.point", feeder.point, feeder.bus)
    if feeder.end_point is not None:
        _check_bay_point(substation, f"{key}.end_point", feeder.end_point, feeder.end_bus)
    mix = feeder.mix
    total = mix.residential + mix.commercial + mix.industrial + mix.agricultural
    if abs(total - 1) > 1e-6:
        raise in_yaml(
            substation,
            f"{key}.mix",
            f"the shares sum to {total:g}, not 1",
            "correct the customer classes' shares",
        )
    rated_mva = substation.point(feeder.point).rated_mva
    load_mva = feeder.base_mw / feeder.power_factor
    if load_mva > rated_mva:
        raise in_yaml(
            substation,
            f"{key}.base_mw",
            f"{load_mva:.1f} MVA is more than the {rated_mva:g} MVA of point {feeder.point}",
            "lower the load or rate the bay higher",
        )
    if (feeder.line is None) != (feeder.end_bus == feeder.bus):
        raise in_yaml(
            substation,
            f"{key}.end_bus",
            f"{feeder.end_bus!r} with line {feeder.line!r}: a feeder with a line ends on another bus, "
            "one without on its busbar",
            "name both the line and the bus at its end, or neither",
        )
    if feeder.transfer_bus is not None:
        here, there = (substation.bus(name).nominal_kv for name in (feeder.bus, feeder.transfer_bus))
        if feeder.transfer_bus == feeder.bus or here != there:
            raise in_yaml(
                substation,
                f"{key}.transfer_bus",
                f"{feeder.transfer_bus!r} is no other busbar of {here:g} kV",
                "name the other section of the same voltage, or leave the key out",
            )


def _check_transformer(substation: Substation, transformer: Transformer) -> None:
    key = f"transformers[{transformer.id}]"
    three = len(transformer.windings) == 3
    for field in ("x_ht_pct", "x_lt_pct"):
        if (getattr(transformer, field) is not None) != three:
            raise in_yaml(
                substation,
                f"{key}.{field}",
                f"{'missing for' if three else 'given with'} {len(transformer.windings)} windings",
                "give it with three windings, leave it out with two",
            )
    for number, winding in enumerate(transformer.windings):
        nominal_kv = substation.bus(winding.bus).nominal_kv
        if abs(winding.nominal_kv / nominal_kv - 1) > 0.1:
            raise in_yaml(
                substation,
                f"{key}.windings[{number}].nominal_kv",
                f"{winding.nominal_kv:g} kV at bus {winding.bus} of {nominal_kv:g} kV",
                "a winding's voltage lies within 10 % of its bus's",
            )
    taps = transformer.taps
    if taps is not None and (taps.winding > len(transformer.windings) or taps.min_pu >= taps.max_pu):
        raise in_yaml(
            substation,
            f"{key}.taps",
            f"winding {taps.winding}, {taps.min_pu:g}…{taps.max_pu:g} pu",
            "name an existing winding and a rising range",
        )
    stages = [stage.rated_mva for stage in transformer.cooling]
    if stages != sorted(set(stages)):
        raise in_yaml(
            substation,
            f"{key}.cooling",
            f"rated powers {stages} do not rise",
            "list the stages from ONAN upwards",
        )
    first_mva = transformer.windings[0].rated_mva
    if transformer.rated_mva != first_mva:
        raise in_yaml(
            substation,
            f"{key}.cooling",
            f"the strongest stage has {transformer.rated_mva:g} MVA, winding 1 has {first_mva:g} MVA",
            "give both the same rating",
        )
