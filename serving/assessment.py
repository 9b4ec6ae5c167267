"""What a response says about the readings themselves: their quality, and the limits that they exceed."""

from __future__ import annotations

import math

from data_contracts.ranges import INVALID, QUESTIONABLE
from data_contracts.wire import CHANNELS, InputQuality, LimitExceeded, Rows
from serving.sites import Site


def input_quality(rows: Rows) -> InputQuality:
    """Quality of one item's readings; the worst of them names the whole."""
    codes = rows.quality.tolist()
    questionable, invalid = codes.count(QUESTIONABLE), codes.count(INVALID)
    validity = "invalid" if invalid else "questionable" if questionable else "good"
    return InputQuality(
        validity=validity,  # type: ignore[arg-type]
        readings=len(codes),
        questionable=questionable,
        invalid=invalid,
    )


def limits_exceeded(rows: Rows, site: Site) -> list[LimitExceeded]:
    """Limits of the voltage level, and the rated current, that the latest valid reading exceeds.

    A limit is judged on one second here; standards that judge 10-min means or weekly percentiles
    (EN 50160, IEC 61000-4-30) are what `power_quality_index` is for.

    Args:
        rows: Readings of one item.
        site: Its point.
    """
    codes = rows.quality.tolist()
    latest = next((k for k in reversed(range(len(codes))) if codes[k] != INVALID), None)
    if latest is None:
        return []
    permitted, found = site.permitted, []
    values = rows.values[latest].tolist()
    per_unit = [v / site.nominals.v_nom_v for v in _present(values, "v")]

    def judge(quantity: str, value: float, limit: float, unit: str, standard: str) -> None:
        found.append(LimitExceeded(quantity=quantity, value=value, limit=limit, unit=unit, standard=standard))

    if per_unit and min(per_unit) < permitted.v_min_pu:
        judge("v_min", min(per_unit), permitted.v_min_pu, "pu", permitted.standard)
    if per_unit and max(per_unit) > permitted.v_max_pu:
        judge("v_max", max(per_unit), permitted.v_max_pu, "pu", permitted.standard)
    line = _present(values, "v_ll")
    if len(line) == 3 and min(line) > 0 and (vuf := vuf_of_line_voltages(*line)) > permitted.vuf_pct:
        judge("vuf", vuf, permitted.vuf_pct, "%", permitted.standard)
    thd = max(_present(values, "thd"), default=0.0)
    if thd > permitted.thd_pct:
        judge("thd", thd, permitted.thd_pct, "%", permitted.standard)
    current = max(_present(values, "i"), default=0.0)
    if current > site.rated_a:
        judge("current", current, site.rated_a, "A", "rated current of the bay")
    return found


def vuf_of_line_voltages(ab: float, bc: float, ca: float) -> float:
    """Voltage unbalance factor 100·|V2|/|V1| in % from the magnitudes of the line voltages, V.

    β = (Vab⁴ + Vbc⁴ + Vca⁴) / (Vab² + Vbc² + Vca²)²; VUF = √((1 − √(3 − 6β)) / (1 + √(3 − 6β))),
    IEC 61000-4-30, 5.7.1.
    """
    squares = (ab * ab, bc * bc, ca * ca)
    beta = sum(s * s for s in squares) / sum(squares) ** 2
    root = math.sqrt(max(3.0 - 6.0 * beta, 0.0))
    return 100.0 * math.sqrt(max(1.0 - root, 0.0) / (1.0 + root))


def _present(values: list[float], channel: str) -> list[float]:
    """The values of a channel that are there; NaN is the only number that differs from itself."""
    return [value for value in values[CHANNELS[channel]] if value == value]  # noqa: PLR0124
