"""Starting processes and writing programs, never at the same time."""

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

# A child holds copies of all open files until it runs its program. If one is a script that is just being written, that
# script cannot be run: "text file busy".
_starting = threading.Lock()


def start(command: list[str], **settings: Any) -> subprocess.Popen[bytes]:
    with _starting:
        return subprocess.Popen(command, **settings)


def write_program(path: Path, text: str) -> None:
    with _starting:
        path.write_text(text)
        path.chmod(0o700)


def children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def marked(mark: str) -> list[int]:
    """The processes that have this in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def kill_marked(mark: str) -> None:
    """Ends them and all processes that they start meanwhile."""
    while processes := marked(mark):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
