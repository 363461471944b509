#!/usr/bin/env bash
# The same experiments with `chaos run` and with chaostoolkit, in turn, each as a process: one probe; a thousand
# processes, beside a bare loop that starts them; a thousand requests; and an action of 8 seconds during which the
# hypothesis turns out wrong.
#
#   benches/vs-chaostoolkit/lab.sh [RUNS]        # 5 runs each, if not given
#
# Needs python3 with venv; builds the program and installs the Python packages of chaostoolkit from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=benches/vs-chaostoolkit/venv.sh
. benches/vs-chaostoolkit/venv.sh

venv target/bench-chaostoolkit-venv "$(cat benches/vs-chaostoolkit/requirements.txt)"
# Where lab.py looks.
export CARGO_TARGET_DIR="$PWD/target"
cargo build --locked --release --package chaos-cli --bin chaos --bin service
target/bench-chaostoolkit-venv/bin/python -B benches/vs-chaostoolkit/lab.py "${1:-5}"
