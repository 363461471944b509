#!/usr/bin/env bash
# Terminates one instance of a group of 3, and one of a group of 60, with the drill, with `chaos run` and with
# chaostoolkit-aws, in turn, against the same moto, of each of two versions; the last two run the same file. It also
# lists 10,000 instances in 500 groups.
# Prints wall time, CPU time, peak memory and calls, and the ratios.
#
#   benches/vs-chaostoolkit/run.sh [RUNS]        # 15 runs each, if not given
#
# Needs python3 with venv; builds the drill (its SDK takes many minutes) and installs the Python packages of both tools
# from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The last that answers DescribeInstances in 0.2 ms for each instance, and one that takes 1.5 ms, as all from 5.1.17 on
# do: there, most of what is measured is moto wherever many instances are asked for.
quick=5.1.16
slow=5.2.5

# shellcheck source=benches/vs-chaostoolkit/venv.sh
. benches/vs-chaostoolkit/venv.sh

for moto in "$quick" "$slow"; do venv "target/bench-moto-$moto-venv" "moto[server]==$moto"; done
venv target/bench-chaostoolkit-venv "$(cat benches/vs-chaostoolkit/requirements.txt)"
# Where compare.py looks.
export CARGO_TARGET_DIR="$PWD/target"
cargo build --locked --release --package chaos-cli --features aws --bin chaos
"target/bench-moto-$quick-venv/bin/python" -B benches/vs-chaostoolkit/compare.py "${1:-15}" discover
"target/bench-moto-$slow-venv/bin/python" -B benches/vs-chaostoolkit/compare.py "${1:-15}"
