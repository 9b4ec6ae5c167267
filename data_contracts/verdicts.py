"""What the contracts decided about files, tables and datasets."""

from __future__ import annotations

import msgspec

from data_contracts.version import CONTRACT_VERSION


class FirstReject(msgspec.Struct, frozen=True, kw_only=True):
    """The first rejected row of a file.

    Attributes:
        row: Its position in the file, from 0.
        rule: The rule that it breaks.
        detail: The values that break it.
    """

    row: int
    rule: str
    detail: str


class FileVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One staged file.

    Attributes:
        file: Its name.
        sha256: Digest of its bytes as they were staged.
        rows: Its rows.
        rejected: Rows that broke a rule and are in the quarantine; the others are in the dataset.
        rules: Rejected rows by the first rule that they break.
        first: The first of them, null where there is none.
    """

    file: str
    sha256: str
    rows: int
    rejected: int
    rules: dict[str, int]
    first: FirstReject | None = None


class TableReport(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a dataset.

    Attributes:
        table: Its name.
        files: Verdicts, sorted by file name.
    """

    table: str
    files: tuple[FileVerdict, ...]

    @property
    def rows(self) -> int:
        """Rows that were staged."""
        return sum(file.rows for file in self.files)

    @property
    def rejected(self) -> int:
        """Rows in the quarantine."""
        return sum(file.rejected for file in self.files)

    @property
    def accepted(self) -> int:
        """Rows in the dataset."""
        return self.rows - self.rejected

    @property
    def share(self) -> float:
        """Share of the rows that were rejected; 0 for an empty table."""
        return self.rejected / self.rows if self.rows else 0.0

    @property
    def rules(self) -> dict[str, int]:
        """Rejected rows by rule, most first."""
        total: dict[str, int] = {}
        for file in self.files:
            for rule, count in file.rules.items():
                total[rule] = total.get(rule, 0) + count
        return dict(sorted(total.items(), key=lambda entry: (-entry[1], entry[0])))


class EnforcementReport(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset.

    Attributes:
        dataset: Its name.
        tables: Reports of the tables that were staged, now or before.
        contract_version: Version of the contracts that were enforced.
    """

    dataset: str
    tables: tuple[TableReport, ...]
    contract_version: int = CONTRACT_VERSION

    @property
    def rows(self) -> int:
        """Rows that were staged."""
        return sum(table.rows for table in self.tables)

    @property
    def rejected(self) -> int:
        """Rows in the quarantine."""
        return sum(table.rejected for table in self.tables)
