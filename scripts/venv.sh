#!/usr/bin/env bash
# Makes or updates the virtual environment: the locked packages, then this project, editable.
#
#   scripts/venv.sh FOLDER
set -euo pipefail

readonly folder="${1:?usage: scripts/venv.sh FOLDER}"

# The distribution's own interpreter goes before one that was built by hand: Debian and Ubuntu build theirs with profile-
# guided optimisation and without a shared library, which the same calls pay for with a quarter less CPU (bench-call).
find_python() { # the first interpreter that is new enough and can make an environment
  local name
  for name in "${PYTHON:-/usr/bin/python3}" python3 python3.13 python3.12 python3.11; do
    if type -P "$name" >/dev/null \
      && "$name" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return 0
    fi
  done
  echo "setup: Python 3.11 or newer is needed, and none was found (set PYTHON=/path/to/python3.11)" >&2
  return 1
}

if [ ! -x "$folder/bin/python" ]; then
  python="$(find_python)"
  echo "setup: virtual environment in $folder with $("$python" --version)"
  "$python" -m venv "$folder"
fi
echo "setup: Python packages of requirements.lock"
"$folder/bin/python" -m pip install -q --no-input --disable-pip-version-check -r requirements.lock
"$folder/bin/python" -m pip install -q --no-input --disable-pip-version-check --no-deps -e .
