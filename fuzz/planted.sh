#!/usr/bin/env bash
# Proves the targets: in a copy of the sources a few checks are taken out, one for each target named
# below, and each of these targets must then find its own. Red is what is wanted; ends with an error when
# a target found nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/fuzz/target}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$copy"
cd "$copy"

# plant FILE OLD NEW: the check must be there, once.
plant() {
    FILE=$1 OLD=$2 NEW=$3 python3 -c '
import os
path, old, new = (os.environ[name] for name in ("FILE", "OLD", "NEW"))
text = open(path).read()
assert text.count(old) == 1, f"{path}: {old!r} stands there {text.count(old)} times"
open(path, "w").write(text.replace(old, new))'
}

# archive: a missing bounds check, of the sort that reads other memory.
plant Cargo.toml 'unsafe_code = "deny"' 'unsafe_code = "allow"'
plant Cargo.toml 'undocumented_unsafe_blocks = "deny"' 'undocumented_unsafe_blocks = "allow"'
plant src/value/string_array.rs 'if start > end || end > bytes.len() as u64 {' 'if start > end {'
plant src/value/string_array.rs 'std::str::from_utf8(&bytes[start as usize..end as usize])' \
    'std::str::from_utf8(unsafe { std::slice::from_raw_parts(bytes.as_ptr().add(start as usize), (end - start) as usize) })'
# cold_blocks: a block that unpacks to less is taken for whole.
plant src/read/cold.rs 'if found != expected {' 'if false {'
# paths: an index beyond the axis.
plant src/slice.rs 'if !(0..len).contains(&at) {' 'if false {'
# terminal: control characters pass.
plant src/name.rs '    c.is_control()
        || matches!' '    matches!'

failed=0
export ACH_FUZZ_ARTIFACTS=$copy/artifacts SECONDS_EACH=${SECONDS_EACH:-60} JOBS=1
fuzz/smoke.sh --build
for name in archive cold_blocks paths terminal; do
    if fuzz/smoke.sh "$name" >"$copy/log" 2>&1; then
        echo "$name: NOTHING FOUND"
        failed=1
    else
        echo "$name: $(grep -m1 -E 'panicked at|ERROR: (AddressSanitizer|libFuzzer)' "$copy/log")"
    fi
done
exit $failed
