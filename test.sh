#!/usr/bin/env bash
# Runs every check of this repository, and installs what it needs: rustfmt and clippy come with the toolchain; a C
# compiler, python3, dash, busybox, shellcheck, stress-ng, and for the host faults iproute2, nftables, iptables,
# e2fsprogs, btrfs-progs and xfsprogs from Debian, whose prometheus it only unpacks; the stand-in for AWS, Microsoft's
# SDK for Azure, Chaos Toolkit, a reader of JUnit's XML, packages of holidays and of iCalendar, a mail server, a reader
# of metrics and a checker of spelling from PyPI; cargo-deny from crates.io (in CI; elsewhere it is used if it is
# there).
#
#   ./test.sh         everything, in part as it is drawn by a seed that is printed
#   ./test.sh long    everything, whole: it takes hours
#   ./test.sh quick   the light crates, without what takes root, real hosts or minutes
#
# Tests run by `cargo nextest` if that is installed, several at a time, and what only compiles runs beside them. Clippy
# lints while the tests are compiled.
#
# Ends with the counts of tests run and skipped, each skip with its reason. Exits 0 only if every check passed.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$PWD/target"

profile=default
case "${1-}" in
'' | quick) ;;
long)
  profile=long
  export CHAOS_LONG=1
  ;;
*)
  echo "usage: ./test.sh [quick | long]"
  exit 64
  ;;
esac
# Draws the part that is run if the whole takes too long.
export CHAOS_SEED=${CHAOS_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
# Each check appends its result here, also those that run beside others.
: >"$log/results"
# shellcheck source=scripts/needs.sh
. scripts/needs.sh
# shellcheck source=scripts/checks.sh
. scripts/checks.sh

result() { # passed N | failed N | broken NAME | skipped REASON | took SECONDS NAME
  printf '%s\n' "$*" >>"$log/results"
}

skipped() { # reason
  result skipped "$1"
}

step() { # name, command...: one check of its own
  local name=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then result passed 1; else
    result failed 1
    result broken "$name"
  fi
  result took "$((SECONDS - begun))" "$name"
}

# Tells what the tests of an output say that they leave out, each with its reason.
skips_in() { # output
  sed -nE 's/^(.* \.\.\. )?skipped: //p' "$1" | sort -u | while read -r reason; do skipped "$reason"; done
}

tests() { # name, command...: a test runner, whose own counts are added up
  local name=$1 begun=$SECONDS out passed failed status
  shift
  printf '\n== %s\n' "$name"
  out="$log/${name// /-}"
  "$@" 2>&1 | tee "$out"
  status=${PIPESTATUS[0]}
  # Those of libtest, one line for each executable; and those of nextest, one line for all.
  read -r passed failed < <(sed -E 's/^ +Summary \[.*\] +([0-9]+) tests? run: ([0-9]+) passed.*/nextest \1 \2/' "$out" |
    awk '/^test result:/ { p += $4; f += $6 } /^nextest / { p += $3; f += $2 - $3 } END { print p + 0, f + 0 }')
  result passed "$passed"
  result failed "$failed"
  if [ $((passed + failed)) -eq 0 ]; then
    result failed 1
    result broken "$name: no test ran"
  elif [ "$status" -ne 0 ]; then
    [ "$failed" -ne 0 ] || result failed 1
    result broken "$name"
    sed -nE -e 's/^ +(FAIL|TIMEOUT|ABORT|SIG[A-Z]+|LEAK-FAIL) \[.*\] (\([^)]*\) )?/  /p' \
      -e 's/^test (.*) \.\.\. FAILED$/  \1/p' "$out" |
      sort -u | while read -r which; do result broken "  $which"; done
  fi
  skips_in "$out"
  result took "$((SECONDS - begun))" "$name"
}

summary() {
  local passed failed skips
  passed=$(awk '$1 == "passed" { n += $2 } END { print n + 0 }' "$log/results")
  failed=$(awk '$1 == "failed" { n += $2 } END { print n + 0 }' "$log/results")
  printf '\n'
  sed -n 's/^took //p' "$log/results" | while read -r seconds name; do printf '%5d s  %s\n' "$seconds" "$name"; done
  printf '%5d s  altogether\n' "$SECONDS"
  if [ "$profile" = long ]; then echo "run whole"; else
    echo "drawn with CHAOS_SEED=$CHAOS_SEED, which draws the same again"
  fi
  sed -n 's/^skipped /skipped: /p' "$log/results" | sort -u
  skips=$(sed -n 's/^skipped //p' "$log/results" | sort -u | wc -l)
  sed -n 's/^broken /FAILED: /p' "$log/results"
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skips"
  [ "$failed" -eq 0 ]
}

# Runs the tests of the executables that are built already, so that cargo may build something else meanwhile.
nextest_of_built() {
  cargo nextest run --binaries-metadata target/tests-built.json --cargo-metadata target/tests-metadata.json \
    --profile "$profile" --test-threads "$(($(nproc) * 3))"
  local status=$?
  # What passed is not shown, so that what it leaves out is looked for.
  sed -nE 's/^(.* \.\.\. )?skipped: /skipped: /p' "target/nextest/$profile/junit.xml" |
    sed "s/&lt;/</g; s/&gt;/>/g; s/&quot;/\"/g; s/&apos;/'/g; s/&amp;/\&/g" | sort -u
  return $status
}

# One set of features for all, so that each dependency is built once. Clippy compiles the crates of this workspace, and
# lints them as it does.
everything=(--locked --workspace --all-features)
linted() {
  RUSTC_WORKSPACE_WRAPPER=clippy-driver "$@"
}

build_tests() {
  cargo metadata --locked --all-features --format-version 1 >target/tests-metadata.json &&
    linted cargo nextest list "${everything[@]}" --lib --bins --tests --list-type binaries-only \
      --message-format json 2>&1 >target/tests-built.json | tee "$log/built"
  return "${PIPESTATUS[0]}"
}

build_benchmarks() {
  linted cargo test "${everything[@]}" --bench '*' --no-run 2>&1 | tee "$log/benchmarks-built"
  return "${PIPESTATUS[0]}"
}

# Each of them once. As benchmarks they would be compiled with optimisation.
benchmarks() {
  linted cargo test "${everything[@]}" --bench '*' -- --test 2>&1 | tee "$log/benchmarks"
  local status=${PIPESTATUS[0]}
  skips_in "$log/benchmarks"
  return "$status"
}

# Everything is compiled by now. Cargo shows the warnings of what it does not compile again too.
no_lint_fires() {
  if grep -hE '^warning: .* generated [0-9]+ warning' "$log/built" "$log/benchmarks-built"; then
    echo "see the warnings above"
    return 1
  fi
}

# Programs have only a few lines of documentation, so theirs is made only if everything runs whole.
documentation() {
  RUSTDOCFLAGS="-D warnings" cargo doc "${everything[@]}" --no-deps --lib --bins --examples
}

# Each crate builds by itself with what it asks for by default. Of the two whose SDKs take minutes, one is drawn.
default_features() {
  local crate clouds=(chaos-aws chaos-azure)
  local crates=(chaos-core chaos-events chaos-holidays chaos-journal chaos-lab chaos-local chaos-notify chaos-probes)
  crates+=(chaos-testkit)
  if [ "$profile" = long ]; then crates+=("${clouds[@]}"); else crates+=("${clouds[CHAOS_SEED % 2]}"); fi
  for crate in "${crates[@]}"; do
    cargo check --locked --package "$crate" || return 1
  done
}

# The program that operators start most often must cost nothing: as `cargo drill` builds it, which is slower than a
# release.
figures() {
  cargo build --locked --package chaos-cli --no-default-features --bin chaos &&
    ./chaos-cli/scripts/history-figures.sh target/debug/chaos
}

deny() {
  if [ "${CI:-}" = true ] && ! command -v cargo-deny >/dev/null 2>&1; then
    CARGO_TARGET_DIR=$log/deny CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --quiet --debug cargo-deny ||
      echo "cargo-deny could not be installed"
    rm -rf "$log/deny"
  fi
  if command -v cargo-deny >/dev/null 2>&1 || [ "${CI:-}" = true ]; then
    step "cargo deny" cargo deny --locked check bans licenses sources
  else
    skipped "cargo deny: not installed; CI always runs it"
  fi
}

# What only analyses and compiles, and so can run beside tests that mostly wait. It leaves the program alone that the
# tests run.
beside() {
  step "benchmarks are built" build_benchmarks
  if with_nextest; then step "clippy" no_lint_fires; else
    step "clippy" cargo clippy "${everything[@]}" --all-targets -- -D warnings
  fi
  RUSTDOC="$PWD/scripts/rustdoc.sh" tests "documentation and its examples" \
    linted cargo test "${everything[@]}" --doc --no-fail-fast
  if [ "$profile" = long ]; then step "documentation of programs" documentation; fi
  step "default features" default_features
  tests "probes without TLS" \
    linted cargo test --locked --package chaos-probes --no-default-features --test probes http::
  step "other systems" other_systems
  deny
}

mkdir -p target
step "format" cargo fmt --all --check
step "columns" columns
step "honest sources" honest_sources
step "safety names its tests" scripts/safety-names-its-tests.sh
step "no circle of files" scripts/circles.py
step "names at the root" names_at_the_root
step "used dependencies" used_dependencies
step "the oldest Rust" oldest_rust

if [ "${1-}" = quick ]; then
  light=(--locked)
  for crate in core events journal local notify probes testkit; do light+=(--package "chaos-$crate"); done
  step "clippy" cargo clippy "${light[@]}" --all-targets -- -D warnings
  tests "tests" cargo test "${light[@]}" --lib --bins --tests --no-fail-fast -- \
    --show-output --skip host_faults:: --skip namespaces:: --skip by_type:: --skip twelve_hours:: \
    --skip steady_crash_proof::
  summary
  exit
fi

# A build from nothing takes about 7 GB.
echo "free on this disk: $(df -h --output=avail . | tail -1 | tr -d ' ')"
install_tools
# While the tests are built.
{ install_python_packages; unpack_prometheus; } >"$log/fetched" 2>&1 &
fetched=$!
step "architecture" architecture
if command -v shellcheck >/dev/null 2>&1; then step "shellcheck" shell_scripts; fi

with_nextest() {
  cargo nextest --version >/dev/null 2>&1
}
if with_nextest; then step "tests are built" build_tests; fi
wait "$fetched"
cat "$log/fetched"
use_python_packages
use_prometheus
if [ -x target/typos-venv/bin/typos ]; then step "spelling" target/typos-venv/bin/typos; else
  skipped "spelling: typos could not be installed"
fi

if with_nextest; then
  beside >"$log/beside" 2>&1 &
  beside=$!
  tests "tests" nextest_of_built
  wait "$beside"
  cat "$log/beside"
else
  RUST_TEST_THREADS=$(($(nproc) * 3)) tests "tests" \
    cargo test "${everything[@]}" --lib --bins --tests --no-fail-fast -- --show-output
  beside
fi
# What measures has the machine for itself. The program of the figures has the name of the one that the tests run.
step "benchmarks run" benchmarks
step "figures" figures
if [ -n "${CHAOS_MOTO-}" ] || [ "${CI:-}" = true ]; then
  step "the stand-in for AWS" "$(dirname "${CHAOS_MOTO-}")/python" -B fakes/aws/check.py
else
  skipped "the stand-in for AWS and the tests that use it: moto could not be installed"
fi
summary
