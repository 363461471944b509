"""Runs programs and measures them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Launcher:
    """What launches the programs: see launch.py."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._process = subprocess.Popen(
            [sys.executable, "-ISB", HERE / "launch.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, command: list[Any], environment: dict[str, str]) -> tuple[dict[str, Any], str]:
        """What was measured, and what the program has printed. It must end well."""
        output, errors = Path(self.place) / "output", Path(self.place) / "errors"
        order = {
            "command": [str(word) for word in command],
            "environment": environment,
            "place": self.place,
            "output": str(output),
            "errors": str(errors),
        }
        assert self._process.stdin and self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        measured = json.loads(self._process.stdout.readline())
        if measured["exit"] != 0:
            sys.exit(f"{command} ended with {measured['exit']}:\n{output.read_text()}\n{errors.read_text()}")
        return measured, output.read_text()

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
