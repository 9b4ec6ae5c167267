"""What one federation came to."""

from __future__ import annotations

import msgspec

from federation.comparison import Comparison
from federation.drift import InputDrift
from federation.judgement import HELD, Judgement
from federation.site_report import SiteReport
from models.evaluation import ReportRow
from models.registry import RegisteredVersion
from models.reports import Footprint


class FederationResult(msgspec.Struct, frozen=True):
    """Outcome of one federation; JSON-able by `msgspec.to_builtins`.

    Attributes:
        model: Name of the model.
        version: The registered version; None where it was not registered.
        rows: The global model's rows of the models report.
        footprint: What it costs to serve.
        params: Hyper-parameters.
        parity: Largest difference between the compiled and the fitted model.
        comparison: Its figures beside central and local ones.
        n: Training rows by contributing substation, n_k.
        refused: Substations left out, with the reason.
        ledger_head: Digest of the last ledger record.
        seconds: Wall time of each stage.
        skipped: True when this step had registered its version before.
        fine_tuned: Each site's own version of the model, registered as `<model>.<substation>`.
        drift: How far the substations lie apart, by input, the largest first; empty where no round tells.
        judgements: What the control centre's own rows said of it, and of those before it of which a site was
            refused for that; the last one is of this model.
        measured: What models are worth on each measured dataset; empty of simulated ones.
    """

    model: str
    version: RegisteredVersion | None
    rows: tuple[ReportRow, ...]
    footprint: Footprint
    params: dict[str, float | int | str | bool]
    parity: float
    comparison: Comparison
    n: dict[str, int]
    refused: dict[str, str]
    ledger_head: str
    seconds: dict[str, float]
    skipped: bool = False
    fine_tuned: tuple[RegisteredVersion, ...] = ()
    drift: tuple[InputDrift, ...] = ()
    measured: tuple[SiteReport, ...] = ()
    judgements: tuple[Judgement, ...] = ()

    @property
    def held(self) -> bool:
        """Whether the control centre holds it back: it may not become champion by itself."""
        return bool(self.judgements) and self.judgements[-1].verdict == HELD
