#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment, and tests what was installed.
# Arguments are handed to pytest. PYTHON names the interpreter, CARGO_TARGET_DIR where Rust builds,
# ACH the command where it is built already.
# The documents of the repository are tested too, and what they show of the command `ach`.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/venv"
python="$work/venv/bin/python"
"$python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.8,<2'
"$work/venv/bin/maturin" build --release --locked --quiet --interpreter "$python" --out "$work/wheels"
"$python" -m pip install --quiet --disable-pip-version-check "$(echo "$work"/wheels/*.whl)[test]"
# From another folder, so that the installed package is tested and not the sources beside the tests.
cp -r tests pyproject.toml "$work"
repository=$(cd .. && pwd)
command=${ACH:-}
if [ -z "$command" ]; then
    cargo build --quiet --locked --manifest-path ../Cargo.toml -p ach-cli
    target=${CARGO_TARGET_DIR:-$repository/target}
    command=$(cd "$target/debug" && pwd)/ach
fi
cd "$work"
ACH_SAMPLES="$repository/tests/data" ACH_DOCUMENTS="$repository" ACH_COMMAND="$command" \
    "$python" -m pytest -q -p no:cacheprovider "$@"
