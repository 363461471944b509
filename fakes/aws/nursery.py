"""Starts stand-ins by forks of a process that has loaded moto, because loading it takes a second and a half."""

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback

from serve import serve

# moto loads the services when they are called first.
SERVICES = ("autoscaling", "cloudwatch", "ec2", "ses", "sesv2", "sns", "ssm", "sts")


def nurse(path: str) -> None:
    """Serves a new world to each connection to the socket `path`, which is its input and its output, until the own
    input ends. Those worlds end with their connections."""
    for service in SERVICES:
        importlib.import_module(f"moto.{service}.urls")
        importlib.import_module(f"moto.{service}.responses")
    # The loaded modules stay shared.
    gc.collect()
    gc.freeze()
    # The kernel reaps the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in selector.select()]
            if sys.stdin.fileno() in ready and not os.read(sys.stdin.fileno(), 4096):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                return
            if listener.fileno() in ready:
                connection, _ = listener.accept()
                if os.fork() == 0:
                    _be_born(connection, listener, selector)
                connection.close()


def _be_born(connection: socket.socket, listener: socket.socket, selector: selectors.BaseSelector) -> None:
    status = 1
    try:
        selector.close()
        listener.close()
        os.dup2(connection.fileno(), 0)
        os.dup2(connection.fileno(), 1)
        connection.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        serve()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
