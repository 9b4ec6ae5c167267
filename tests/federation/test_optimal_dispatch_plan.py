"""`optimal_dispatch` from sums: the regressions and margins of pooled rows, and a version that compiles."""

import numpy as np
import pytest

from data_contracts.transmission import LINE_NAMES
from features.context import dispatch
from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.framed_fourier import machine
from federation.family import MINIMUM_ROWS
from federation.fits import pooled
from federation.gate import Gate
from federation.message import Message
from federation.plans import plan
from federation.plans.dispatch_sums import BINS, FOLDS, STEP_PCT, LineCounts, LineMargins
from federation.plans.optimal_dispatch import TRIED
from federation.rounds import fit_here
from federation.wire import encode
from flows import resolving
from models import dispatch_limits
from models.compilation import TOLERANCE, check_parity
from models.decision.optimal_dispatch import DEFINITION
from models.dispatch_limits import INPUTS
from models.dispatch_rows import SENT, bus_loads
from models.resolving import resolver
from models.rows import Names, Rows
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN

N, MVAR_OF_MW = 90, 0.25
MINE = plan("optimal_dispatch")
B02_B03 = LINE_NAMES.index("line-b02-b03")


def hours(seed, n, judged=0, substation="one"):
    """Made-up hours with the power flow of their lossless dispatch: to train on, then to judge on."""
    rng = np.random.default_rng(seed)
    X = MINE.probes(None, n + judged, rng)[rng.permutation(n + judged)]
    X = X[:, [DEFINITION.features.index(name) for name in DEFINITION.columns]]
    total = n + judged
    one = Names(np.zeros(total, dtype=np.int64), (substation,))
    rows = Rows(
        columns=DEFINITION.columns, X=X, truth={}, substation=one, kind=one, point=one, point_kind=one,
        episode=Names.of([f"{substation}.day-{day:04d}" for day in range(total)]),
        t=3600.0 * np.arange(total), split=np.where(np.arange(total) < n, TRAIN, TEST).astype(np.int8),
    )  # fmt: skip
    p_mw, load_mw = rows.inputs(dispatch.LOSSLESS_MW), bus_loads(rows)
    mvar = MVAR_OF_MW * load_mw
    flows = [resolver().solve(*each) for each in zip(p_mw, load_mw, mvar, strict=True)]
    assert None not in flows
    every = np.ones(total, dtype=bool)
    rows.truth.update(
        bus_mvar=mvar,
        current_pu=np.array([flow.current_pu for flow in flows]),
        loss_mw=np.array([flow.loss_mw for flow in flows]),
        lossless_mw=p_mw,
        optimum_mw=p_mw,
        optimum_cost=dispatch.offers_of(rows.inputs(SENT)).cost_per_h(p_mw),
        congested=every,
        counted=every,
        counted_congested=every,
    )
    return rows


@pytest.fixture(scope="module", autouse=True)
def _grid():
    resolving.provide()


@pytest.fixture(scope="module")
def sites():
    return {name: MINE.local_data(hours(seed, N)) for seed, name in enumerate(("mumbai", "delhi"))}


@pytest.fixture(scope="module")
def made(sites):
    return fit_here(MINE.family, MINE.settings({}, "seed"), sites)


@pytest.fixture(scope="module")
def central(sites):
    return fit_here(MINE.family, MINE.settings({}, "seed"), {"pooled": pooled(sites)})


@pytest.fixture(scope="module")
def away():
    return hours(7, 0, 40)


def test_fitted__sums_of_two_sites__is_what_pooled_rows_give(made, central, away):
    ours, theirs = MINE.fitted(made), MINE.fitted(central)
    assert ours.lines == theirs.lines
    assert B02_B03 in ours.lines
    assert ours.margin_pct == theirs.margin_pct
    X = away.inputs(INPUTS)
    np.testing.assert_allclose(ours.raw(X), theirs.raw(X), atol=1e-6)


def test_fitted__losses_and_lines__come_close_to_the_power_flow_elsewhere(made, away):
    raw = MINE.fitted(made).raw(away.inputs(INPUTS))
    loss_mw = dispatch_limits.losses(away)
    assert np.abs(raw[:, 0] - loss_mw).mean() < 0.25 * loss_mw.std()
    above, current = dispatch_limits.above_pct(away), dispatch_limits.currents(away)
    loaded = current[:, B02_B03] >= 0.8
    told = raw[:, 1 + MINE.fitted(made).lines.index(B02_B03)]
    assert loaded.sum() > 10
    assert np.abs(told - above[:, B02_B03])[loaded].mean() < 0.5 * above[loaded, B02_B03].std()


def test_answer__hours_of_another_place__keep_the_watched_lines_within_limits(made, away):
    rows = away.select(away.split == TEST)
    fitted = MINE.fitted(made)
    p_mw, _, _ = dispatch_limits.outputs(fitted, rows)
    current = np.array([flow.current_pu[list(fitted.lines)] for flow in dispatch_limits.flows(rows, p_mw)])
    assert (current < 1.005).all()


def test_fitted__compiled__is_the_same_small_graph(made, away):
    fitted = MINE.fitted(made)
    compiled = DEFINITION.compile(fitted)
    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), away)
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 500_000
    assert DEFINITION.native(fitted, away) is None


def test_local_data__line_that_few_rows_teach__is_taught_by_none():
    rows = hours(3, N)
    rows.truth["current_pu"][:, 5] = np.where(np.arange(N) < MINIMUM_ROWS + 4, 0.95, 0.3)
    rows.truth["current_pu"][:, 6] = 0.95
    found = MINE.local_data(rows)
    # They would be enough together, but not those of one fold.
    assert not found["teaches"][:, 5].any()
    assert not found["reached"][:, 5].any()
    assert found["teaches"][:, 6].all()


def test_lines__no_line_near_its_limit__none_is_watched(sites):
    quiet = {
        name: {**data, "teaches": 0.0 * data["teaches"], "reached": 0.0 * data["reached"]}
        for name, data in sites.items()
    }
    fitted = MINE.fitted(fit_here(MINE.family, MINE.settings({}, "seed"), quiet))
    assert fitted.lines == fitted.margin_pct == fitted.above == ()


def test_margins__no_row_that_teaches__is_underestimated_by_more_than_its_margin(made, sites):
    known = MINE.family.known(made)
    fitted = MINE.fitted(made)
    for data in sites.values():
        for k, (line, margin) in enumerate(zip(fitted.lines, fitted.margin_pct, strict=True)):
            for fold in range(FOLDS):
                rows = (data["teaches"][:, line] > 0) & (data["fold"] == fold)
                apart = machine(known, 1 + (1 + fold) * len(fitted.lines) + k)
                missed = data["above"][rows, line] - apart.predict(data["X"][rows])
                assert missed.max() <= margin + 1e-9


def test_margins__counts__become_the_upper_edge_of_the_last_bin():
    counts = np.zeros((len(LINE_NAMES), BINS), dtype=np.int64)
    counts[2, 40], counts[2, 0], counts[4, 0] = 1, 50, 50
    sums = LineMargins()
    first = sums.close("errors", {}, {"counts": counts})
    assert first["margin_pct"][2] == pytest.approx(40 * STEP_PCT)
    assert first["margin_pct"][4] == dispatch_limits.MARGIN_PCT
    assert sums.close("overloads", first, {"counts": counts})["margin_pct"][2] == pytest.approx(0.8)


def test_sums__answers_that_no_rows_have__are_found(sites, made):
    counts, margins, data = LineCounts(), LineMargins(), sites["delhi"]
    told = counts.local("lines", {}, data).arrays
    assert not counts.inspect("lines", told)
    assert "few rows" in counts.inspect("lines", {**told, "teaches": np.minimum(told["teaches"], 5)})
    assert "more" in counts.inspect("lines", {**told, "reached": told["teaches"] + 1})
    errors = margins.local("errors", MINE.family.known(made), data).arrays
    assert not margins.inspect("errors", errors)
    assert margins.inspect("errors", {"counts": np.minimum(errors["counts"], 1)}) == "errors of few rows"


def test_probes__made_up_hours__are_answered_by_a_dispatch_that_meets_the_load(made):
    X = MINE.probes(made, 24, np.random.default_rng(0))
    fitted = MINE.fitted(made)
    columns = {name: X[:, place] for place, name in enumerate(DEFINITION.features)}
    answers = DEFINITION.decode(DEFINITION.compile(fitted).decoder, DEFINITION.raw(fitted, X), columns)
    given = np.array([sum(one["dispatch_recommendation"].values()) for one in answers])
    load = columns["system_load_mw"]
    assert (given > load).all()
    assert (given < 1.04 * load).all()


@pytest.mark.parametrize(
    ("phase", "name", "value", "rule"),
    [
        ("lines", "teaches", N + 1, "bound"),
        ("lines", "reached", 7, "consistency"),
        ("sums", "gram", np.nan, "finiteness"),
        ("sums", "gram", -1.0, "consistency"),
        ("errors", "counts", 1, "norm"),
        ("overloads", "counts", -1, "bound"),
    ],
)
def test_gate__answer_of_each_phase__passes_but_not_what_no_rows_have(sites, phase, name, value, rule):
    state = MINE.family.start(MINE.settings({}, "seed"), {})
    while state.value("phase") != phase:
        told = {site: MINE.family.local_update(state, data, site) for site, data in sites.items()}
        state = MINE.family.aggregate(state, told)
    asked = Envelope("state", "run", "model", "random_fourier", 1, "ab" * 16, "delhi", "s" * 64)
    mine = Envelope("update", *(getattr(asked, each) for each in asked.__struct_fields__[1:]))
    update = MINE.family.local_update(MINE.family.told(state), sites["delhi"], "delhi")
    sent = {**update.arrays, name: np.full_like(update.arrays[name], value)}
    gate = Gate(MINE.family, {"delhi": N})
    with pytest.raises(RefusedUpdateError) as refused:
        gate.admit("delhi", encode(seal(Message(update.header, sent), mine)), state, asked)
    assert refused.value.rule == rule
    gate = Gate(MINE.family, {"delhi": N})
    assert gate.admit("delhi", encode(seal(update, mine)), state, asked).n in {N, TRIED}


def test_aggregate__sites_in_another_order__give_the_same_lines_and_unfinished_has_no_result(sites):
    state = MINE.family.start(MINE.settings({}, "seed"), {})
    told = {site: MINE.family.local_update(state, data, site) for site, data in sites.items()}
    one, other = (MINE.family.aggregate(state, dict(sorted(told.items(), reverse=back))) for back in (0, 1))
    assert np.array_equal(one.array("known.watched"), other.array("known.watched"))
    with pytest.raises(FederationError, match="not finished"):
        MINE.family.result(one)


def test_local_update__few_rows__tells_nothing(sites):
    few = {name: values[: MINIMUM_ROWS - 1] for name, values in sites["delhi"].items()}
    with pytest.raises(FederationError, match="statistics need 32"):
        MINE.family.local_update(MINE.family.start(MINE.settings({}, "seed"), {}), few, "delhi")
