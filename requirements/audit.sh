#!/usr/bin/env bash
# Known vulnerabilities of the serving group's locked versions, by the package index.
# Exit code: 0 none, 1 some, 2 not known: a package could not be looked up, or nothing could.
set -uo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
locked=${1:-requirements/serving.txt}
answer=$("$uv" tool run --quiet --from pip-audit==2.10.1 pip-audit --requirement "$locked" --disable-pip \
  --progress-spinner off --format json --timeout 15) || [[ -n $answer ]] || {
  echo "NOT AUDITED: pip-audit gave no answer" >&2
  exit 2
}
"${PYTHON:-python3}" - "$answer" <<'END'
import json
import sys

packages = json.loads(sys.argv[1])["dependencies"]
bad = [(one, found) for one in packages for found in one.get("vulns", [])]
unknown = [one for one in packages if "skip_reason" in one]
for one, found in bad:
    print(f"{one['name']} {one['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'no version'}")
for one in unknown:
    print(f"NOT AUDITED: {one['name']}: {one['skip_reason']}", file=sys.stderr)
print(f"{len(packages) - len(unknown)} of {len(packages)} packages audited, {len(bad)} vulnerabilities")
sys.exit(1 if bad else 2 if unknown or not packages else 0)
END
