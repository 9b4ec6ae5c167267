"""What a topic tells of episodes, from small tables."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.dataset import Dataset
from flows.contexts import CONTEXTS
from tests.flows.contexts.tables import MUMBAI, START, stamps


@pytest.fixture
def ask(tmp_path):
    """What a topic knows of episodes that end at the given seconds, by the episode's number."""

    def known(topic, tables, ends, parameters=None):
        names = [f"mumbai.tiny.7.kind.{k:06d}" for k in range(len(ends))]
        scenarios = {
            "scenario_id": names,
            "t_start": stamps(np.asarray(ends) - 19),
            "seconds": [20] * len(ends),
            "parameters": [json.dumps(one) for one in parameters or [{}] * len(ends)],
        }
        for table, content in {"scenarios": scenarios, **tables}.items():
            (tmp_path / table).mkdir(exist_ok=True)
            pq.write_table(pa.table(content), tmp_path / table / "kind-00000.parquet")
        Dataset.write_manifest(
            tmp_path, substation="mumbai", profile="tiny", seed=7, circuit_digest=MUMBAI.digest
        )
        found = CONTEXTS[topic](Dataset.open(tmp_path), MUMBAI, START, names)
        return {names.index(name): told for name, told in found.items()}

    return known
