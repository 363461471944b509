#!/bin/sh
# Checks what `history` costs as a process on a journal that holds one fault: at most 10 ms of processor time, the best
# of 20 runs, and 20 MB. On a busy machine it takes longer and costs the same.
#   history-figures.sh PROGRAM
set -eu
program=${1:?the program chaos}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" drill --steady 0s --journal "$folder/chaos.journal" >/dev/null 2>&1

python3 - "$program" "$folder/chaos.journal" <<'PYTHON'
import os, sys

program, journal = sys.argv[1:]
best_time, most_memory = float("inf"), 0
for _ in range(20):
    child = os.posix_spawn(program, [program, "history", "--journal", journal], os.environ,
                           file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(child, 0)
    best_time = min(best_time, usage.ru_utime + usage.ru_stime)
    most_memory = max(most_memory, usage.ru_maxrss)
    if status != 0:
        sys.exit(f"history ended with status {status}")
print(f"history: {best_time * 1e3:.1f} ms, {most_memory / 1024:.1f} MB")
sys.exit(0 if best_time <= 0.010 and most_memory <= 20 * 1024 else "more than 10 ms of processor time or 20 MB")
PYTHON
