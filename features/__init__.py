"""Features of a window of readings: one catalogue, one vectorised implementation for training and serving.

Importing this package imports numpy and nothing slower. `features.build` and `features.table` (training side)
import pyarrow inside their functions.
"""

from features.catalogue import ALL_INDEX, CATALOGUE, CONTEXT, INDEX, NAMES, SEQUENCE, catalogue_digest
from features.channels import ROLLING, WINDOW
from features.context import CONTEXT_FEATURES, CONTEXT_NAMES, context_block, fill_context
from features.declaration import Feature
from features.engine import compute
from features.errors import FeatureError
from features.nominals import PointNominals
from features.sequence import SEQUENCE_FEATURES, SEQUENCE_NAMES
from features.windows import Waveforms, Windows

__all__ = [
    "ALL_INDEX",
    "CATALOGUE",
    "CONTEXT",
    "CONTEXT_FEATURES",
    "CONTEXT_NAMES",
    "INDEX",
    "NAMES",
    "ROLLING",
    "SEQUENCE",
    "SEQUENCE_FEATURES",
    "SEQUENCE_NAMES",
    "WINDOW",
    "Feature",
    "FeatureError",
    "PointNominals",
    "Waveforms",
    "Windows",
    "catalogue_digest",
    "compute",
    "context_block",
    "fill_context",
]
