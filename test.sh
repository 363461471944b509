#!/usr/bin/env bash
# Runs every check of this repository, and installs what it needs: rustfmt and clippy come with the toolchain; a C compiler,
# python3, dash, busybox, shellcheck, and for the host faults iproute2, nftables, iptables, e2fsprogs, btrfs-progs and xfsprogs from Debian; cargo-deny from crates.io (in CI; elsewhere it is used where it is there).
#
# `./test.sh long` runs whole what the tests otherwise run a drawn part of, whose seed they print: it takes long.
#
# Ends with the counts of tests run and skipped, each skip with its reason. Exits 0 only if every check passed.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$PWD/target"

case "${1-}" in
'') ;;
long) export CHAOS_LONG=1 ;;
*)
  echo "usage: ./test.sh [long]"
  exit 64
  ;;
esac
# Draws the part that is run where the whole takes too long.
export CHAOS_SEED=${CHAOS_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}

passed=0
failed=0
skipped=()
broken=()
times=()
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

step() { # name, command...: one check of its own
  local name=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    broken+=("$name")
  fi
  took "$name" "$begun"
}

took() { # name, when it began
  times+=("$(printf '%5d s  %s' $((SECONDS - $2)) "$1")")
}

tests() { # name, command...: a test runner, whose own counts are added up
  local name=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  local out="$log/out" status=0
  "$@" 2>&1 | tee "$out"
  status=${PIPESTATUS[0]}
  local counts
  counts=$(awk '/^test result:/ { gsub(";", ""); p += $4; f += $6; i += $8 } END { print p + 0, f + 0, i + 0 }' "$out")
  read -r p f i <<<"$counts"
  passed=$((passed + p))
  failed=$((failed + f))
  # What tests say that they leave out.
  while read -r reason; do skipped+=("$reason"); done < <(sed -n 's/^skipped: //p' "$out" | sort -u)
  [ "$i" -eq 0 ] || skipped+=("$i in '$name': marked #[ignore], see the reason there")
  if [ $((p + f)) -eq 0 ]; then
    broken+=("$name: no test ran")
    failed=$((failed + 1))
  elif [ "$status" -ne 0 ]; then
    broken+=("$name")
    [ "$f" -ne 0 ] || failed=$((failed + 1))
  fi
  took "$name" "$begun"
}

need() { # command, Debian package
  command -v "$1" >/dev/null 2>&1 && return 0
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  [ -e "$log/updated" ] || { apt-get update -qq && touch "$log/updated"; }
  apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

# What `cargo tree` must not show below a crate: a pattern of package names.
tree_is_free_of() { # crate, pattern
  local tree
  tree=$(cargo tree --locked --package "$1" --edges normal --prefix none --all-features) || return 1
  if grep -E "^($2) " <<<"$tree"; then
    echo "$1 must not depend on the above"
    return 1
  fi
}

# The arrows of DESIGN.md: which crates of this repository a crate may name.
only_our_crates() { # crate, pattern of those that it may depend on
  local ours
  ours=$(cargo tree --locked --package "$1" --edges normal --prefix none --all-features) || return 1
  ours=$(grep -oE '^(chaos-[a-z]+|examples|benches) ' <<<"$ours" | sort -u | tr -d ' ' | grep -vxE "$1|$2")
  if [ -n "$ours" ]; then
    echo "$1 must not depend on: $ours"
    return 1
  fi
}

architecture() {
  local foreign='hyper|reqwest|axum|tower|sqlx|libsqlite3-sys|rusqlite|aws-.*|azure.*|bollard|rustix'
  tree_is_free_of chaos-core "$foreign" &&
    tree_is_free_of chaos-events "$foreign" &&
    tree_is_free_of chaos-journal 'hyper|reqwest|aws-.*|azure.*|bollard' &&
    tree_is_free_of chaos-aws 'sqlx|libsqlite3-sys|azure.*|bollard' &&
    only_our_crates chaos-aws 'chaos-core' &&
    tree_is_free_of chaos-azure 'sqlx|libsqlite3-sys|aws-(config|sdk|smithy|types|credential).*|bollard|openssl-sys' &&
    only_our_crates chaos-azure 'chaos-core' &&
    tree_is_free_of chaos-local 'sqlx|libsqlite3-sys|aws-.*|azure.*|bollard' &&
    only_our_crates chaos-core 'none' &&
    only_our_crates chaos-events 'chaos-core' &&
    only_our_crates chaos-journal 'chaos-core' &&
    only_our_crates chaos-local 'chaos-core' &&
    only_our_crates chaos-testkit 'chaos-core'
}

shell_scripts() {
  git ls-files '*.sh' .ci/run | xargs shellcheck --external-sources
}

# No stub, no test that is skipped without a reason, no example that is never compiled.
honest_sources() {
  local found=0
  if git grep -nE '#\[ignore\]|\btodo!\(|\bunimplemented!\(' -- '*.rs' ':!*/by_type/*'; then found=1; fi
  return $found
}

# The programs that operators start most often must cost nothing.
figures() {
  cargo build --locked --release --package examples --bin history --bin drill || return 1
  ./examples/scripts/history-figures.sh target/release/history
}

# The stand-in for AWS that the tests of chaos-aws talk to: moto's server, from PyPI, of one version.
install_moto() {
  local wanted=chaos-aws/tests/stand_in/requirements.txt place=target/moto-venv
  if ! cmp -s "$wanted" "$place/installed.txt"; then
    need pip3 python3-venv
    rm -rf "$place"
    python3 -m venv "$place" && "$place/bin/pip" install --quiet --requirement "$wanted" && cp "$wanted" "$place/installed.txt" || return 1
  fi
  export CHAOS_MOTO="$PWD/$place/bin/moto_server"
}

# Microsoft's SDK for Azure, from PyPI, of just these versions: what the fake of Azure is measured by.
install_azure_sdk() {
  local wanted=chaos-testkit/src/azure/microsoft_sdk/requirements.txt place=target/azure-sdk-venv
  if ! cmp -s "$wanted" "$place/installed.txt"; then
    need pip3 python3-venv
    rm -rf "$place"
    python3 -m venv "$place" && "$place/bin/pip" install --quiet --requirement "$wanted" && cp "$wanted" "$place/installed.txt" || return 1
  fi
  export CHAOS_AZURE_PYTHON="$PWD/$place/bin/python"
}

compiler=yes
need cc gcc || compiler=
need shellcheck shellcheck || skipped+=("shellcheck: not installed, and only root can install it")
need dash dash || skipped+=("scripts under dash: dash is not installed, and only root can install it")
need python3 python3 || { echo "python3 is needed to measure the programs"; exit 1; }
need busybox busybox || skipped+=("scripts under busybox sh: busybox is not installed, and only root can install it")
# For the host faults. Without root their tests say themselves what they leave out.
if [ "$(id -u)" -eq 0 ]; then
  for tool in ip:iproute2 nft:nftables iptables:iptables mkfs.ext4:e2fsprogs mkfs.btrfs:btrfs-progs mkfs.xfs:xfsprogs setpriv:util-linux; do
    need "${tool%:*}" "${tool#*:}" || { echo "the tests of host faults need ${tool%:*}: install ${tool#*:}"; exit 1; }
  done
fi
[ -n "$compiler" ] || { echo "a C compiler is needed for SQLite: install gcc"; exit 1; }

mkdir -p target
# A build from nothing takes about 7 GB.
echo "free on this disk: $(df -h --output=avail . | tail -1 | tr -d ' ')"
install_moto || echo "moto could not be installed"
install_azure_sdk || echo "Microsoft's SDK for Azure could not be installed"

step "format" cargo fmt --all --check
# One set of features for all of them: the SDKs are built once.
step "clippy" cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
step "architecture" architecture
step "honest sources" honest_sources
step "safety names its tests" scripts/safety-names-its-tests.sh
if command -v shellcheck >/dev/null 2>&1; then step "shellcheck" shell_scripts; fi
if [ "${CI:-}" = true ] && ! command -v cargo-deny >/dev/null 2>&1; then
  cargo install --locked --quiet --debug cargo-deny || echo "cargo-deny could not be installed"
fi
if command -v cargo-deny >/dev/null 2>&1; then
  step "cargo deny" cargo deny --locked check bans licenses sources
elif [ "${CI:-}" = true ]; then
  step "cargo deny" false
else
  skipped+=("cargo deny: not installed; CI always runs it")
fi
tests "tests" cargo test --locked --workspace --exclude benches --all-features --lib --bins --tests --no-fail-fast
if [ -n "${CHAOS_MOTO-}" ]; then
  step "the stand-in for AWS" "${CHAOS_MOTO%/*}/python" -B chaos-aws/tests/stand_in/check.py
elif [ "${CI:-}" = true ]; then
  step "the stand-in for AWS" false
else
  skipped+=("the stand-in for AWS and the tests that use it: moto could not be installed")
fi
tests "documentation examples" cargo test --locked --workspace --exclude benches --all-features --doc --no-fail-fast
step "benchmarks run" cargo bench --locked --package benches --benches -- --test
step "rustdoc" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features
step "figures" figures

printf '\n'
printf '%s\n' "${times[@]}"
if [ "${CHAOS_LONG-}" = 1 ]; then echo "run whole"; else echo "drawn with CHAOS_SEED=$CHAOS_SEED, which draws the same again"; fi
for reason in ${skipped[@]+"${skipped[@]}"}; do printf 'skipped: %s\n' "$reason"; done
for name in ${broken[@]+"${broken[@]}"}; do printf 'FAILED: %s\n' "$name"; done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "${#skipped[@]}"
[ "$failed" -eq 0 ]
