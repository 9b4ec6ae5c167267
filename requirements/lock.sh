#!/usr/bin/env bash
# Resolve all groups together, then each group within that resolution, so that serving and training agree on
# every version they share. The files carry hashes and no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile=("$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links
  --no-header --no-annotate --python-version 3.11)
"${compile[@]}" requirements/bootstrap.in -o requirements/bootstrap.txt
"${compile[@]}" pyproject.toml --extra dev -o requirements/dev.txt
"${compile[@]}" pyproject.toml --extra all -c requirements/dev.txt -o requirements/run.txt
for group in serving simulation training orchestration dask; do
  "${compile[@]}" pyproject.toml --extra "$group" -c requirements/dev.txt -o "requirements/$group.txt"
done
