#!/usr/bin/env bash
# Makes or updates the virtual environment: the locked packages, then this project, editable.
#
#   scripts/venv.sh FOLDER
set -euo pipefail

readonly folder="${1:?usage: scripts/venv.sh FOLDER}"

find_python() { # the first interpreter that is new enough
  local name
  for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if type -P "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
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
