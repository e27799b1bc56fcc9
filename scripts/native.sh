#!/usr/bin/env bash
# Compiles the media worker's native engine for the Python of an environment. Without a compiler or Python's headers it
# says so and leaves it: the worker then runs its numpy engine, which does the same for two to three times the CPU.
#
#   scripts/native.sh PYTHON [FOLDER]     FOLDER: where the extension goes; the source tree if left out
#
# KAK_NATIVE_FLAGS adds compiler options (the tests' "-fsanitize=address,undefined"); KAK_NATIVE_REQUIRED=1 makes it an
# error when it cannot be built.
set -euo pipefail

readonly python="${1:?usage: scripts/native.sh PYTHON [FOLDER]}"
readonly engine="src/kak_server/media/engine"
readonly folder="${2:-$engine}"

leave() {
  echo "setup: $1: the media worker will run its numpy engine"
  if [ -n "${KAK_NATIVE_REQUIRED:-}" ]; then exit 1; fi
  exit 0
}

suffix="$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
headers="$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')"
readonly target="$folder/_native$suffix"

rm -f "$target"
type -P "${CC:-cc}" >/dev/null || leave "no C compiler (Debian package gcc)"
[ -e "$headers/Python.h" ] || leave "no headers of $("$python" --version) (Debian package python3-dev)"

echo "setup: compiling the native engine"
# No contraction of a*b+c: it would round otherwise than numpy, which the tests compare with to the last bit.
# shellcheck disable=SC2086  # several options
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O3 -ffp-contract=off -fno-strict-aliasing -fPIC -shared -fvisibility=hidden \
  -Wall -Wextra -Wno-missing-field-initializers -Wno-cast-function-type -Wno-unused-parameter ${KAK_NATIVE_FLAGS:-} \
  -I"$headers" -o "$target.new" "$engine"/native/*.c || leave "the compiler refused"
mv "$target.new" "$target"
