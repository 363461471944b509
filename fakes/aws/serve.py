"""Serves one world until the input ends or a signal comes: see README.md."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
# None of the thousand images that moto would look through for each instance is needed.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
warnings.filterwarnings("ignore", message="Could not find AMI")
warnings.filterwarnings("ignore", category=DeprecationWarning)

from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

from front import Front  # noqa: E402
from machine import Machines  # noqa: E402


class Quiet(MotoRequestHandler):
    """Logs no request, because the record has them."""

    def log(self, type: str, message: str, *arguments: Any) -> None:
        if type == "error":
            super().log(type, message, *arguments)


def serve() -> None:
    """Prints its address as one line of JSON, once it listens."""
    told_to_end, tell = os.pipe()
    os.set_blocking(tell, False)
    # A signal may come to any thread; the main one may continue to sleep.
    signal.set_wakeup_fd(tell)
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, lambda *_: None)
    prefix = f"chaos-ssm-{os.getpid()}"
    root = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    # Unlike the prefix, the mark is in no other text, because it is searched in the environment of every process.
    mark = root.name
    janitor = subprocess.Popen(
        [Path(__file__).with_name("janitor.sh"), prefix, mark, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        machines = Machines(root, mark, prefix)
        server = make_server("127.0.0.1", 0, Front(machines), threaded=True, request_handler=Quiet)
        os.environ["MOTO_PORT"] = str(server.port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ready = {"endpoint": f"http://127.0.0.1:{server.port}", "namespaces": machines.namespaces}
        print(json.dumps(ready), flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(told_to_end, selectors.EVENT_READ)
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            while all(key.fd == sys.stdin.fileno() and os.read(key.fd, 4096) for key, _ in selector.select()):
                pass
    finally:
        # The same way out as after `kill -9`.
        if janitor.stdin:
            janitor.stdin.close()
        janitor.wait()
