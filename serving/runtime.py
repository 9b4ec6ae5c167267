"""Compiled models: one ONNX Runtime session, a specification, a decoder and the proof that they agree."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import features
from data_contracts.answers import Answer
from features.context import GROUP_OF, SLOW_GROUPS
from serving.answers import build_decoder
from serving.errors import ModelError, ProofError, SnapshotError
from serving.snapshot import ModelEntry, Snapshot
from serving.specification import Golden, Specification, check_specification, read_document

FloatArray = NDArray[np.float64]

RAW_TOLERANCE = 1e-5
"""Largest difference from a golden value where the golden file names none: the grain of float32."""


class CompiledModel:
    """One version of one model, ready to answer.

    `run` may be called from several threads at once.

    Attributes:
        entry: What the manifest says of it.
        spec: Its specification.
        columns: Columns of its inputs in `features.ALL_INDEX`.
        sequential: Whether it reads a sequence.
        context_groups: Groups of the context's features that it reads.
        slow: Whether one of these takes many milliseconds for one item.
        required: Which of its inputs must have a value, bool [features].
        one_of: Places of the inputs of which at least one must have a value.
    """

    def __init__(self, entry: ModelEntry, spec: Specification, golden: Golden, graph: bytes) -> None:
        check_specification(entry, spec)
        self.entry = entry
        self.spec = spec
        self.golden = golden
        self.columns = np.array([features.ALL_INDEX[name] for name in spec.features], dtype=np.intp)
        self.sequential = not set(spec.features).isdisjoint(features.SEQUENCE_NAMES)
        self.context_groups = frozenset(GROUP_OF[name] for name in spec.features if name in GROUP_OF)
        self.slow = not SLOW_GROUPS.isdisjoint(self.context_groups)
        self.required = np.array([name not in spec.optional for name in spec.features])
        self.one_of = np.array([spec.features.index(name) for name in spec.one_of], dtype=np.intp)
        ranges = np.array([one or (-np.inf, np.inf) for one in spec.seen], dtype=np.float64).reshape(-1, 2)
        self._lowest, self._highest = ranges.T
        self._dtype = np.dtype(spec.input_dtype)
        self._session = _session(graph, entry)
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(spec.onnx_outputs)
        absent = set(self._outputs) - {output.name for output in self._session.get_outputs()}
        if absent:
            raise SnapshotError(
                f"{entry.folder}/model.onnx has no output {sorted(absent)}", "compile it again"
            )
        self._decode = build_decoder(spec.model, spec.decoder, spec.features, self.version)

    @property
    def version(self) -> str:
        """Registered name and version, such as `phase_imbalance:3`."""
        return f"{self.entry.registered}:{self.entry.version}"

    def run(self, inputs: FloatArray) -> list[Answer | None]:
        """Answer every row.

        Args:
            inputs: Values of `spec.features`, shape [rows, features].

        Returns:
            One answer per row; None where the graph gave something that is not a number.

        Raises:
            ModelError: The graph cannot be run.
        """
        raw = self.raw(inputs)
        if np.isfinite(raw).all():
            return [*self._decode(raw, inputs)]
        answers: list[Answer | None] = [None] * len(raw)
        sound = np.flatnonzero(np.isfinite(raw).all(axis=1))
        for row, answer in zip(sound.tolist(), self._decode(raw[sound], inputs[sound]), strict=True):
            answers[row] = answer
        return answers

    def strangers(self, inputs: FloatArray) -> dict[int, list[str]]:
        """Names of the inputs beyond what the model has learnt from, of the rows that have such.

        Args:
            inputs: Values of `spec.features`, shape [rows, features]; what is missing is no stranger.
        """
        if not self._lowest.size:
            return {}
        beyond = (inputs < self._lowest) | (inputs > self._highest)
        rows = np.flatnonzero(beyond.any(axis=1)).tolist()
        return {row: [self.spec.features[k] for k in np.flatnonzero(beyond[row])] for row in rows}

    def raw(self, inputs: FloatArray) -> FloatArray:
        """The graph's outputs side by side, shape [rows, outputs].

        Raises:
            ModelError: ONNX Runtime refuses the inputs.
        """
        fed = np.ascontiguousarray(inputs, dtype=self._dtype)
        try:
            outputs = self._session.run(self._outputs, {self._input: fed})
        except _runtime_errors() as error:
            raise ModelError(f"{self.version}: {error}", "compile it again") from error
        columns = [np.asarray(output, dtype=np.float64).reshape(len(inputs), -1) for output in outputs]
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)

    def prove(self) -> None:
        """Run the golden inputs and compare raw outputs and answers with what they must be.

        Raises:
            ProofError: The first case that differs by more than its tolerance, naming field and values.
        """
        golden, width = self.golden, len(self.spec.features)
        if not golden.features or any(len(row) != width for row in golden.features):
            raise ProofError(
                f"{self.entry.golden}: golden inputs must be rows of {width} features", "compile it again"
            )
        inputs = np.array(golden.features, dtype=np.float64)
        raw = self.raw(inputs)
        if [len(row) for row in golden.raw] != [raw.shape[1]] * len(raw):
            raise ProofError(
                f"{self.entry.golden}: golden outputs differ in shape from the graph's {raw.shape}",
                "compile it again",
            )
        expected = np.array(golden.raw, dtype=np.float64)
        largest = float(np.max(np.abs(raw - expected), initial=0.0))
        limit = golden.tolerance.get("raw", RAW_TOLERANCE)
        if not largest <= limit:
            raise ProofError(
                f"{self.version}: raw outputs are off the golden ones by {largest:.3g}, allowed {limit:.3g}",
                "the runtime or the compiled file is not the one it was proven with; publish again",
            )
        _compare_answers(self.version, self._decode(raw, inputs), golden)


def load_model(snapshot: Snapshot, entry: ModelEntry) -> CompiledModel:
    """Load and prove one model of a snapshot; every file is checked against its digest.

    Raises:
        SnapshotError: A file is missing, damaged, or made for another catalogue or contract.
        ProofError: The model does not reproduce its golden answers.
    """
    spec = read_document(snapshot, entry, "spec.json", Specification)
    golden = read_document(snapshot, entry, "golden.json", Golden)
    model = CompiledModel(entry, spec, golden, snapshot.read(entry, "model.onnx"))
    model.prove()
    return model


def _session(graph: bytes, entry: ModelEntry) -> Any:
    """An ONNX Runtime session on one thread that sleeps between calls."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # An arena keeps what the largest batch took, for each of the graphs.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except _runtime_errors() as error:
        raise SnapshotError(f"{entry.folder}/model.onnx: {error}", "compile it again") from error


@cache
def _runtime_errors() -> tuple[type[Exception], ...]:
    """ONNX Runtime's exceptions; they share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, ValueError)


def _compare_answers(name: str, decoded: list[Answer], golden: Golden) -> None:
    if len(decoded) != len(golden.answers):
        raise ProofError(f"{name}: {len(golden.answers)} golden answers for {len(decoded)} golden inputs")
    named = {field for expected in golden.answers for field in expected}
    for case, (answer, expected) in enumerate(zip(decoded, golden.answers, strict=True)):
        given = msgspec.to_builtins(answer)
        if surplus := sorted(named.intersection(given) - set(expected)):
            raise ProofError(
                f"{name}: golden case {case}: {surplus[0]} = {given[surplus[0]]!r}, must be left out",
                "the decoder or the compiled file is not the one it was proven with; publish again",
            )
        for field, value in expected.items():
            if field not in given or not _agree(
                given[field], value, golden.tolerance.get(field, RAW_TOLERANCE)
            ):
                raise ProofError(
                    f"{name}: golden case {case}: {field} = {given.get(field)!r}, must be {value!r}",
                    "the decoder or the compiled file is not the one it was proven with; publish again",
                )


def _agree(given: Any, expected: Any, tolerance: float) -> bool:
    numbers = isinstance(given, int | float) and isinstance(expected, int | float)
    if numbers and not isinstance(given, bool) and not isinstance(expected, bool):
        return bool(abs(given - expected) <= tolerance)
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(
            _agree(given[name], expected[name], tolerance) for name in expected
        )
    if isinstance(given, list | tuple) and isinstance(expected, list):
        return len(given) == len(expected) and all(
            _agree(one, other, tolerance) for one, other in zip(given, expected, strict=True)
        )
    return bool(given == expected)
