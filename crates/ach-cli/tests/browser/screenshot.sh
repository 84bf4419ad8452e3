#!/usr/bin/env bash
# Makes docs/images/view.png: `ach view` on pictures and tables that the scikit-image and scikit-learn
# wheels carry. PYTHON names the interpreter, CARGO_TARGET_DIR where Rust builds; test.sh says what else
# is needed.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    selenium scikit-image scikit-learn
repository=$(cd ../../../.. && pwd)
cargo build --quiet --locked --manifest-path "$repository/Cargo.toml" -p ach-cli
target=${CARGO_TARGET_DIR:-$repository/target}
ACH=$(cd "$target/debug" && pwd)/ach
export ACH ACH_DATA="$repository/examples/data" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$repository/docs/images"
"$work/venv/bin/python" screenshot.py "$work" "$repository/docs/images/view.png"
