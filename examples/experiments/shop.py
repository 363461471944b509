"""A shop to break, for the experiments beside it: two replicas behind a front.

    SHOP=$(mktemp -d) SHOP_TOKEN=secret python3 shop.py

The front listens on 127.0.0.1 at PORT (8080, if that is not set), and asks the other replica if one does not answer. In
the folder SHOP are the list of prices, and the process id of each replica. Who orders needs the token.
"""

import http.client
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(os.environ["SHOP"])
# How long the front waits for a replica, in seconds.
PATIENCE = 0.3


class Replica(BaseHTTPRequestHandler):
    prices = ""

    def do_GET(self) -> None:
        try:
            Replica.prices = (FOLDER / "prices.txt").read_text()
        except FileNotFoundError:
            # What they were when they were last read.
            pass
        self.answer(200, Replica.prices)

    def do_POST(self) -> None:
        with (FOLDER / "orders.txt").open("a") as orders:
            orders.write(self.path.removeprefix("/orders/") + "\n")
        self.answer(201, "ordered\n")

    def do_DELETE(self) -> None:
        (FOLDER / "orders.txt").unlink(missing_ok=True)
        self.answer(200, "cancelled\n")

    def answer(self, status: int, text: str) -> None:
        if self.command != "GET" and self.headers["authorization"] != f"Bearer {os.environ['SHOP_TOKEN']}":
            status, text = 401, "who are you?\n"
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text.encode())
        except ConnectionError:
            # Who has asked is gone: a replica that hung may be continued much later.
            pass

    def log_message(self, *_: object) -> None:
        pass


class Front(Replica):
    replicas: list[int] = []

    def forward(self) -> None:
        for port in self.replicas:
            replica = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                replica.request(self.command, self.path, headers={"authorization": self.headers["authorization"] or ""})
                answer = replica.getresponse()
                return self.answer(answer.status, answer.read().decode())
            except OSError:
                continue
            finally:
                replica.close()
        self.answer(503, "nobody serves you\n")

    do_GET = do_POST = do_DELETE = forward


def replica() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replica)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # It ends with the front.
    sys.stdin.read()


def front() -> None:
    (FOLDER / "prices.txt").write_text("tea 3\ncoffee 4\n")
    for number in (1, 2):
        child = subprocess.Popen(
            [sys.executable, __file__, "replica"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        Front.replicas.append(int(child.stdout.readline()))
        (FOLDER / f"replica-{number}.pid").write_text(f"{child.pid}\n")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Front)
    print(f"open at http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    try:
        replica() if sys.argv[1:] == ["replica"] else front()
    except KeyboardInterrupt:
        pass
