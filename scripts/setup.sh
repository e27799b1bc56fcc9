#!/usr/bin/env bash
# Sees to the system packages: installs what is missing with apt (as root, or by sudo) and says so.
# Anywhere else it prints which packages to install and fails, so that nobody has to guess. What the server only runs
# better with (a C compiler and Python's headers, for the media worker's native engine) is asked for in the same way, but
# its absence fails nothing.
#
#   scripts/setup.sh lab     what running the server needs
#   scripts/setup.sh test    that, and the real peers the tests call with
#   scripts/setup.sh bench   that, and what the SIP benchmark compares with
#
# For testing this script: KAK_SETUP_DRY_RUN=1 prints what it would install; KAK_SETUP_PATH replaces the PATH it
# looks for programs in; KAK_SETUP_OS_RELEASE replaces /etc/os-release; KAK_SETUP_UID replaces the user id.
set -euo pipefail

readonly purpose="${1:-lab}"
readonly os_release="${KAK_SETUP_OS_RELEASE:-/etc/os-release}"
readonly user_id="${KAK_SETUP_UID:-$(id -u)}"
readonly look_in="${KAK_SETUP_PATH:-$PATH}"
missing=()
wished=()

has_program() { # has_program NAME...: one of them is on the path
  local name
  for name in "$@"; do
    if PATH="$look_in:/nonexistent" type -P "$name" >/dev/null; then return 0; fi
  done
  return 1
}

has_library() { # has_library FILE-PREFIX: the dynamic linker knows it
  # (read to the end: with pipefail an early exit of grep would make ldconfig's broken pipe the result)
  /sbin/ldconfig -p 2>/dev/null | grep -F "$1" >/dev/null
}

need() { missing+=("$1"); }

wish() { # what the server can do without, and the tests cannot
  if [ "$purpose" = test ]; then missing+=("$@"); else wished+=("$@"); fi
}

has_headers() { # of the Python that scripts/venv.sh takes
  local python="${PYTHON:-/usr/bin/python3}"
  type -P "$python" >/dev/null || python=python3
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null
}

is_debian() { [ -r "$os_release" ] && grep -qE '^(ID|ID_LIKE)=.*(debian|ubuntu)' "$os_release" && has_program apt-get; }

look() {
  if ! has_program python3; then
    need python3
    need python3-venv # (a package of its own, as the headers are; nobody is there to be asked yet)
    wish python3-dev
  elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    need python3-venv
  fi
  # (Node.js is not among them: Debian 12's is too old for the console, see scripts/with-node.sh)
  has_program openssl || need openssl
  has_program espeak-ng || need espeak-ng
  has_library libopus.so.0 || need libopus0
  has_program cc gcc || wish gcc libc6-dev
  if has_program python3 && ! has_headers; then wish python3-dev; fi
  if [ "$purpose" != lab ]; then
    has_program sipp || need sip-tester
    has_program kamailio || need kamailio
  fi
  if [ "$purpose" = test ]; then
    has_program chromium chromium-browser google-chrome || need chromium
    has_program baresip || need baresip
    has_program sox || need sox
    has_program tshark || need tshark
    has_program pg_ctlcluster || need postgresql # (initdb and postgres are off the path)
  fi
}

install() {
  local run=()
  if [ "$user_id" != 0 ]; then run=(sudo); fi
  echo "setup: installing with apt: ${missing[*]}"
  if [ -n "${KAK_SETUP_DRY_RUN:-}" ]; then return 0; fi
  "${run[@]}" apt-get update -q
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
  case " ${missing[*]} " in
    *" kamailio "*) # its package starts a service at port 5060, which nobody here wants: the tests start their own
      if has_program systemctl; then "${run[@]}" systemctl disable --now kamailio || true; fi ;;
  esac
  case " ${missing[*]} " in
    *" postgresql "*) # likewise
      if has_program systemctl; then "${run[@]}" systemctl disable --now postgresql || true; fi ;;
  esac
}

case "$purpose" in
  lab | test | bench) ;;
  *) echo "usage: scripts/setup.sh lab|test|bench" >&2; exit 2 ;;
esac
look
can_install() { is_debian && { [ "$user_id" = 0 ] || has_program sudo; }; }
if [ "${#wished[@]}" -ne 0 ]; then
  if can_install; then
    missing+=("${wished[@]}")
  else
    echo "setup: the media worker will use less CPU with these Debian packages: ${wished[*]}" >&2
  fi
fi
if [ "${#missing[@]}" -eq 0 ]; then
  if [ "${#wished[@]}" -eq 0 ]; then echo "setup: every system package is here"; fi
elif ! is_debian; then
  echo "setup: this is not a Debian system; please install what these Debian packages hold: ${missing[*]}" >&2
  exit 1
elif [ "$user_id" != 0 ] && ! has_program sudo; then
  echo "setup: not root and no sudo; please have these installed: apt-get install ${missing[*]}" >&2
  exit 1
else
  install
fi
