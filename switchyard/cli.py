"""The command line, outside the layers: each command imports the room that it needs when it runs."""

from __future__ import annotations

import click

from switchyard import __version__
from switchyard.commands import (
    challengers,
    evaluation,
    federation,
    ingestion,
    machine,
    registry,
    replicas,
    service,
    studies,
    training,
)
from switchyard.commands.shared import Group

EXAMPLES = """\b
Examples:
  switchyard run                       simulate, train, federate, publish, serve, answer
  switchyard run --profile tiny        the same in a minute or two, with two substations
  switchyard train voltage_sag --substation delhi --trials 50
                                       one model of one site, tuned longer
  switchyard serve --port 3000         answer requests from the current snapshot
  switchyard infer examples/*.json     ask a running service and read its answers
  switchyard up                        the service, Prefect and MLflow, with their addresses
  switchyard study powerflow --circuit Master.dss
                                       a circuit of your own
  switchyard ingest scada.csv --table load --mapping scada.yaml --propose
                                       records of your own
  switchyard status                    what is up, versions, what is served, the last runs
"""


@click.group(cls=Group, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="switchyard")
def main() -> None:
    """Machine learning for electrical substations: simulate, train, federate, serve."""


for command in (
    training.run,
    training.simulate,
    ingestion.ingest,
    ingestion.datasets,
    training.train,
    federation.federation,
    registry.publish,
    evaluation.evaluate,
    studies.study,
    service.serve,
    service.infer,
    service.keys,
    registry.models,
    registry.promote,
    registry.rollback,
    challengers.canary,
    challengers.shadow,
    replicas.pull,
    replicas.release,
    machine.doctor,
    machine.status,
    machine.up,
    machine.down,
):
    main.add_command(command)
