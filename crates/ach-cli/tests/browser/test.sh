#!/usr/bin/env bash
# Tries the page of `ach view` in a headless Chromium. Installs Debian's chromium and its driver when
# they are missing. Arguments are handed to pytest; PYTHON names the interpreter, CARGO_TARGET_DIR where
# Rust builds, ACH the command where it is built already. The servers and the browser use loopback only.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends chromium chromium-driver fonts-dejavu-core
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check selenium pytest

repository=$(cd ../../../.. && pwd)
if [ -z "${ACH:-}" ]; then
    cargo build --quiet --locked --manifest-path "$repository/Cargo.toml" -p ach-cli
    target=${CARGO_TARGET_DIR:-$repository/target}
    ACH=$(cd "$target/debug" && pwd)/ach
fi
export ACH ACH_DATA="$repository/examples/data"
"$work/venv/bin/python" -m pytest -q -p no:cacheprovider "$@" .
