#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment, and tests what was installed.
# Arguments are handed to pytest. PYTHON names the interpreter, CARGO_TARGET_DIR where Rust builds.
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
samples=$(cd ../tests/data && pwd)
cd "$work"
ACH_SAMPLES="$samples" "$python" -m pytest -q -p no:cacheprovider "$@"
