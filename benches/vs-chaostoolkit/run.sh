#!/usr/bin/env bash
# Terminates one instance of a group of 20 with the drill and with chaostoolkit-aws, in turn, against the same moto, and lists
# 10,000 instances in 500 groups. Prints wall time, CPU time and peak memory, and the ratios.
#
#   benches/vs-chaostoolkit/run.sh [RUNS]        # 15 runs each, if not given
#
# Needs python3 with venv; builds the drill (its SDK takes many minutes) and installs both tools' Python packages from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv() { # folder, requirements: made anew where they have changed
  cmp -s "$2" "$1/installed.txt" && return
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install --quiet --requirement "$2"
  cp "$2" "$1/installed.txt"
}

venv target/moto-venv chaos-aws/tests/stand_in/requirements.txt
venv target/chaostoolkit-venv benches/vs-chaostoolkit/requirements.txt
cargo build --locked --release --package examples --features aws --bin drill
exec target/moto-venv/bin/python -B benches/vs-chaostoolkit/compare.py "${1:-15}"
