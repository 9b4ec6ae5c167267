"""The 16 models' names and output fields."""

import msgspec
import pytest

from data_contracts.answers import ANSWERS, COMMON, MODULE_OF, MODULES, NAMES, fields
from data_contracts.answers.monitoring import PhaseImbalance
from data_contracts.wire import Decision, Energy, Maintenance, Monitoring

OUTPUT_FIELDS = {
    "voltage_anomaly": ("anomaly_detected", "anomaly_score", "outlier_features"),
    "harmonic_analysis": ("thd_estimate", "harmonic_level", "dominant_harmonics"),
    "frequency_stability": ("predicted_frequency", "stability_score", "trend"),
    "phase_imbalance": ("imbalance_class", "confidence", "critical_phase"),
    "equipment_failure": ("failure_risk", "risk_level", "time_to_failure", "contributing_factors"),
    "overload_risk": ("risk_level", "risk_score", "time_to_overload", "recommended_action"),
    "power_quality_index": ("power_quality_index", "quality_grade", "improvement_recommendations"),
    "voltage_sag": ("sag_probability", "expected_sag_depth", "expected_duration", "likely_cause"),
    "load_forecast": ("forecasted_load", "confidence_interval", "mape"),
    "energy_loss": ("estimated_loss", "loss_in_watts", "loss_category"),
    "power_flow_optimization": ("optimal_configuration", "efficiency_gain", "cost_savings"),
    "demand_response": ("demand_cluster", "dr_potential", "response_recommendation"),
    "reactive_power": ("recommended_compensation", "expected_power_factor", "capacitor_switching_plan"),
    "load_balancing": ("balancing_recommendation", "balance_score", "expected_imbalance_reduction"),
    "grid_stability": ("stability_score", "stability_class", "risk_factors"),
    "optimal_dispatch": ("dispatch_recommendation", "expected_cost", "cost_savings"),
}


def test_catalogue__names_and_fields__are_those_that_gateways_know():
    assert {name: tuple(field.name for field in fields(name)) for name in NAMES} == OUTPUT_FIELDS
    assert tuple(OUTPUT_FIELDS) == NAMES


def test_modules__four_of_four__cover_every_model():
    assert {module: len(names) for module, names in MODULES.items()} == dict.fromkeys(
        ("monitoring", "maintenance", "energy", "decision"), 4
    )
    assert MODULE_OF["grid_stability"] == "decision"
    assert set(MODULE_OF) == set(NAMES)


@pytest.mark.parametrize(
    ("module", "struct"),
    [("monitoring", Monitoring), ("maintenance", Maintenance), ("energy", Energy), ("decision", Decision)],
)
def test_response_module__fields__are_its_models(module, struct):
    assert struct.__struct_fields__ == MODULES[module]


@pytest.mark.parametrize("name", NAMES)
def test_fields__every_model__has_a_description_and_optional_output(name):
    for field in fields(name):
        assert field.description
    required = [field.name for field in msgspec.structs.fields(ANSWERS[name]) if field.required]
    assert required == ["status"]
    assert ANSWERS[name].__struct_fields__[: len(COMMON)] == COMMON


def test_fields__units_and_bounds__are_read_from_the_type():
    thd, level, _ = fields("harmonic_analysis")

    assert (thd.unit, thd.minimum, thd.maximum) == ("%", 0, None)
    assert level.values == ("low", "medium", "high")
    assert fields("load_forecast")[0].type == "{15min: float, 1h: float, 24h: float}"


def test_answer__abstained__carries_no_output_field():
    answer = PhaseImbalance(status="abstained", reason="not_published")

    assert msgspec.json.encode(answer) == b'{"status":"abstained","reason":"not_published"}'


def test_answer__without_its_reason__is_refused():
    with pytest.raises(ValueError, match="status failed must give its reason"):
        PhaseImbalance(status="failed")


def test_answer__ok__round_trips():
    answer = PhaseImbalance(
        status="ok",
        model_version="phase_imbalance:3",
        imbalance_class="minor",
        confidence=0.9,
        critical_phase="B",
    )

    assert msgspec.json.decode(msgspec.json.encode(answer), type=PhaseImbalance) == answer


def test_answer__value_out_of_range__is_refused_on_decoding():
    with pytest.raises(msgspec.ValidationError, match="confidence"):
        msgspec.json.decode(b'{"status":"ok","confidence":1.2}', type=PhaseImbalance)
