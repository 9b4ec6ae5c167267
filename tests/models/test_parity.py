"""The proof that a compiled model answers as the fitted one: few ties at a threshold, nothing else."""

import numpy as np
import pytest

from models.catalogue import definition
from models.compilation import ROWS_A_TIE, TOLERANCE, check_parity, tolerance_of
from models.errors import ParityError
from models.protocol import Compiled

OUTPUTS = tuple(
    output
    for output in definition("voltage_anomaly").outputs
    if output.name in {"anomaly_detected", "anomaly_score", "outlier_features"}
)


class Threshold:
    """A detector whose score is its input, with an alarm from one half on."""

    name, features, outputs = "voltage_anomaly", ("score",), OUTPUTS

    def raw(self, fitted, X):
        return X

    def decode(self, parameters, raw, columns):
        return [
            {"anomaly_detected": bool(score >= 0.5), "anomaly_score": float(score), "outlier_features": []}
            for score in raw[:, 0]
        ]


class Scores:
    """Rows of scores, none of them nearer than 0.01 to the threshold but the last."""

    def __init__(self, count, last):
        self.scores = np.append(np.linspace(0.0, 0.49, count - 1), last)

    def __len__(self):
        return self.scores.size

    def inputs(self, names):
        return self.scores[:, None]

    def column(self, name):
        return self.scores


def checked(rows, off):
    return check_parity(
        Threshold(),
        None,
        Compiled(onnx=b"", outputs=("score",), input_dtype="float64", decoder={}),
        lambda X: X + off,
        rows,
    )


def test_parity__one_tie_among_many_rows__is_counted():
    parity = checked(Scores(ROWS_A_TIE, 0.5 - 1e-7), 2e-7)
    assert (parity.rows, parity.flips) == (ROWS_A_TIE, 1)


def test_parity__one_tie_among_few_rows__is_refused():
    with pytest.raises(ParityError, match="in 1 of 100 answers; row 99"):
        checked(Scores(100, 0.5 - 1e-7), 2e-7)


def test_parity__difference_above_the_tolerance__is_refused():
    with pytest.raises(ParityError, match="differ by"):
        checked(Scores(ROWS_A_TIE, 0.1), 2 * TOLERANCE)


def test_tolerance__answers_larger_than_ordinary_ones__grows_with_them():
    declared = definition("load_forecast")
    small = tolerance_of(declared, [{"forecasted_load": {"1h": 5e6}, "mape": 2.0}])
    assert small["forecasted_load"] == pytest.approx(TOLERANCE * 1e8)
    large = tolerance_of(declared, [{"confidence_interval": {"1h": [-6e9, 5e9]}, "mape": 2000.0}])
    assert large["confidence_interval"] == pytest.approx(TOLERANCE * 6e9)
    assert large["forecasted_load"] == small["forecasted_load"]
    assert large["mape"] == TOLERANCE
