"""The folders below `SWITCHYARD_HOME`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """Where one installation keeps what it makes. Folders are made by whoever writes into them.

    Attributes:
        root: Absolute path of the home.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).expanduser().absolute())

    @property
    def data(self) -> Path:
        """Contracted tables, a folder a dataset."""
        return self.root / "data"

    @property
    def staging(self) -> Path:
        """Tables that have not passed their contract yet."""
        return self.root / "staging"

    @property
    def quarantine(self) -> Path:
        """Rejected rows with the rule that they broke."""
        return self.root / "quarantine"

    @property
    def state(self) -> Path:
        """Records of finished steps."""
        return self.root / "state"

    @property
    def mlflow_db(self) -> Path:
        """SQLite file of the embedded MLflow registry."""
        return self.root / "mlflow.db"

    @property
    def mlflow_uri(self) -> str:
        """Tracking and registry address of the embedded MLflow store."""
        return f"sqlite:///{self.mlflow_db}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifact root."""
        return self.root / "artifacts"

    @property
    def optuna(self) -> Path:
        """Journals of Optuna studies."""
        return self.root / "optuna"

    @property
    def prefect(self) -> Path:
        """`PREFECT_HOME` of the embedded Prefect server."""
        return self.root / "prefect"

    @property
    def reports(self) -> Path:
        """Reports for people (Markdown) and programs (JSON)."""
        return self.root / "reports"

    @property
    def logs(self) -> Path:
        """Log files of commands and child processes."""
        return self.root / "logs"

    @property
    def serving(self) -> Path:
        """Snapshots and the name of the current one."""
        return self.root / "serving"

    @property
    def snapshots(self) -> Path:
        """Immutable folders of compiled champions."""
        return self.serving / "snapshots"

    @property
    def current(self) -> Path:
        """File that holds the name of the snapshot to serve."""
        return self.serving / "current"

    @property
    def routing(self) -> Path:
        """File that says which challengers answer beside the champions."""
        return self.serving / "routing.json"

    @property
    def keys(self) -> Path:
        """File with the digests of the API keys and what they are good for."""
        return self.serving / "keys.json"

    @property
    def audit_log(self) -> Path:
        """File that says who asked what of the service, one JSON object a line."""
        return self.logs / "audit.jsonl"

    @property
    def releases(self) -> Path:
        """Bentos frozen for substations without a network."""
        return self.root / "releases"

    def dataset(self, name: str) -> Path:
        """Folder of the dataset `name`."""
        return self.data / name
