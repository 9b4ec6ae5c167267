"""What only many rows together tell: wrong units, polarity, swapped phases, a clock that was set back."""

from ingestion.findings.finding import Finding, Place, finding
from ingestion.findings.levels import DECADES
from ingestion.findings.series import of_series
from ingestion.findings.times import of_time

__all__ = ["DECADES", "Finding", "Place", "finding", "of_series", "of_time"]
