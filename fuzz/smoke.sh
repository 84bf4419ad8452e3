#!/usr/bin/env bash
# Builds every fuzz target once, with AddressSanitizer, on a stable toolchain; tries each on its corpus
# and then on changes of it. A finding is a crash, an assertion of a target, too much memory or time, and
# ends this with its input in $ACH_FUZZ_ARTIFACTS (fuzz/artifacts). A leak is none: cells that hold
# themselves are values that leak.
#
#   fuzz/smoke.sh                     every target for 4 seconds
#   SECONDS_EACH=600 fuzz/smoke.sh nodes journal
#   fuzz/smoke.sh --build             only builds
set -euo pipefail
cd "$(dirname "$0")"

seconds=${SECONDS_EACH:-4}
jobs=${JOBS:-2}
artifacts=${ACH_FUZZ_ARTIFACTS:-$PWD/artifacts}
target=x86_64-unknown-linux-gnu
[ "$(uname -m)" = aarch64 ] && target=aarch64-unknown-linux-gnu

# What cargo-fuzz sets: coverage for libFuzzer, and the sanitizer, which stable compilers have too.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module -Ccodegen-units=${CODEGEN_UNITS:-8} \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --locked --target "$target" --bins
[ "${1:-}" = --build ] && exit
programs=$CARGO_TARGET_DIR/$target/release

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_odr_violation=0:detect_leaks=0:allocator_may_return_null=1}
mkdir -p "$artifacts"
found=$(mktemp -d)
trap 'rm -rf "$found" /dev/shm/ach-fuzz-*' EXIT

# One target: first every input of the corpus, then changes of them. New inputs are thrown away.
try() {
    local name=$1 log=$found/$1.log
    mkdir -p "$found/$name"
    local options=(-rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=10 -verbosity=1 -close_fd_mask=1 -detect_leaks=0
        -print_final_stats=1 -artifact_prefix="$artifacts/$name-" -max_total_time="$seconds")
    [ -f "dictionaries/$name.dict" ] && options+=(-dict="dictionaries/$name.dict")
    if "$programs/$name" "${options[@]}" "$found/$name" "corpus/$name" >"$log" 2>&1; then
        echo "$name: $(sed -n 's/stat::number_of_executed_units: *//p' "$log") executions"
    else
        tail -n 60 "$log"
        echo "$name: a finding"
        return 1
    fi
}
export -f try
export found artifacts programs seconds

if [ $# -gt 0 ]; then
    names=("$@")
else
    names=(corpus/*)
    names=("${names[@]#corpus/}")
fi
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'try {}'
