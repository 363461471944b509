# What runs in the interpreter: takes orders, one JSON object to a line, and answers each in the same way.
#
# The pipes of the orders and of the answers are taken away from standard input and output at once, so neither a
# function that prints nor a process that it starts can meddle with them. It needs nothing but Python's own library.
import os
import sys

PRIVATE_ORDERS = os.dup(0)
PRIVATE_ANSWERS = os.dup(1)
_null = os.open(os.devnull, os.O_RDONLY)
os.dup2(_null, 0)
os.close(_null)
os.dup2(2, 1)
# A module of the working directory must not stand in for one of Python's own. It can be imported all the same.
if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]
    sys.path.append(os.getcwd())

import atexit
import copy
import datetime
import decimal
import difflib
import importlib
import inspect
import json
import pkgutil
import queue
import string
import threading
import time
import traceback
import uuid

PROCESS = os.getpid()
# The longest answer, in characters, and the longest text of an error.
LONGEST = 1024 * 1024
LONGEST_TEXT = 16 * 1024
DEEPEST = 100
orders = os.fdopen(PRIVATE_ORDERS, "rb", closefd=False)
writing = threading.Lock()
foreground = queue.Queue()
is_busy = threading.Event()


class NoForm(Exception):
    """A value that cannot be an answer, and why."""


def encoded(value):
    """What JSON does not have, as Chaos Toolkit's journal writes it."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError("Object of type %r is not JSON serializable" % type(value).__name__)


def as_json(value, longest=LONGEST):
    """As JSON, unless it is too long or too deep."""
    if depth(value, 0) > DEEPEST:
        raise NoForm("it is nested deeper than %d levels" % DEEPEST)
    parts, length = [], 0
    try:
        for part in json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=encoded).iterencode(value):
            length += len(part) if part.isascii() else len(part.encode("utf-8", "replace"))
            if length > longest:
                raise NoForm("it has more than 1 MiB")
            parts.append(part)
    except (TypeError, ValueError, RecursionError) as error:
        raise NoForm("it has no JSON form: %s" % error)
    return "".join(parts)


def depth(value, above):
    if above > DEEPEST:
        return above
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        return above
    return max((depth(item, above + 1) for item in inner), default=above + 1)


def answer(number, text):
    """Writes a whole line."""
    # A process that was forked and came back must neither answer nor take orders.
    if os.getpid() != PROCESS:
        os._exit(0)
    line = ('{"id":%d,%s}\n' % (number, text)).encode("utf-8", "replace")
    with writing:
        while line:
            line = line[os.write(PRIVATE_ANSWERS, line):]


def error_of(kind, text):
    told = {"kind": kind, "text": text[:LONGEST_TEXT], "cut": len(text) > LONGEST_TEXT}
    return '"error":%s' % json.dumps(told, ensure_ascii=False)


def said(error):
    """The last line of a traceback."""
    try:
        if isinstance(error, SyntaxError):
            # With its file and line.
            return f"{type(error).__name__}: {error}"
        return traceback.format_exception_only(type(error), error)[-1].strip()
    except Exception:
        return type(error).__name__


def show(error):
    """Tells the log where an exception comes from."""
    try:
        traceback.print_exception(type(error), error, error.__traceback__)
    except Exception:
        pass


def carry_out(order, is_over=lambda: None):
    try:
        value = WORK[order["do"]](order)
        told = '"value":%s' % as_json(value, order.get("longest", LONGEST))
    except NoForm as error:
        told = error_of("form", str(error))
    except BaseException as error:
        show(error)
        told = error_of("raised", said(error))
    # Before the answer, after which the next order may come at once.
    is_over()
    answer(order["id"], told)
