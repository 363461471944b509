"""Runs and measures the commands that come line by line on standard input, and answers with a line for each.

A process of its own and a small one: Linux counts what a program's parent had in memory when it started it towards
the program's own peak.
"""

import json
import os
import sys
import time

for line in sys.stdin:
    order = json.loads(line)
    os.chdir(order["place"])
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, order["output"], write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, order["errors"], write, 0o600),
    ]
    command = order["command"]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, order["environment"], file_actions=files)
    _, status, usage = os.wait4(child, 0)
    measured = {
        "wall": time.perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        # Linux tells kibibytes.
        "peak": usage.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(measured), flush=True)
