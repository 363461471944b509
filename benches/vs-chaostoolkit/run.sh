#!/usr/bin/env bash
# Terminates one instance of a group of 20 with the drill and with chaostoolkit-aws, in turn, against the same moto, and lists
# 10,000 instances in 500 groups. Prints wall time, CPU time and peak memory, and the ratios.
#
#   benches/vs-chaostoolkit/run.sh [RUNS [MOTO]]        # 15 runs each and the version of moto below, if not given
#
# Needs python3 with venv; builds the drill (its SDK takes many minutes) and installs the Python packages of both tools from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The last that answers DescribeInstances in 0.2 ms for each instance. Those from 5.1.17 on take 1.5 ms, so that most of what is
# measured is moto: only the drill asks for the tags and the state of the other 19.
moto=${2:-5.1.16}

venv() { # folder, requirements: made anew where they have changed
  [ "$(cat "$1/installed.txt" 2>/dev/null)" != "$2" ] || return 0
  rm -rf "$1"
  python3 -m venv "$1"
  xargs "$1/bin/pip" install --quiet <<<"$2"
  printf '%s\n' "$2" >"$1/installed.txt"
}

venv target/bench-moto-venv "moto[server]==$moto"
venv target/chaostoolkit-venv "$(cat benches/vs-chaostoolkit/requirements.txt)"
# Where compare.py looks.
export CARGO_TARGET_DIR="$PWD/target"
cargo build --locked --release --package examples --features aws --bin drill
exec target/bench-moto-venv/bin/python -B benches/vs-chaostoolkit/compare.py "${1:-15}"
