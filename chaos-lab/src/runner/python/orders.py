

# Reads the orders, and carries each out in its thread. Follows controls.py; the last part of the program.


WORK = {"call": call, "check": check, "begin": begin, "configure": configure, "cleanup": cleanup,
        "validate": validate, "hook": hook}


def read():
    """Takes orders. What belongs in the foreground is carried out in the main thread, as long as that is free."""
    for line in orders:
        order = json.loads(line)
        if order.get("aside") or is_busy.is_set():
            threading.Thread(target=carry_out, args=(order,), daemon=True).start()
        else:
            is_busy.set()
            foreground.put(order)
    foreground.put(None)


for stream in (sys.stdout, sys.stderr):
    try:
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
    except AttributeError:
        pass
sys.argv = ["chaos"]
threading.Thread(target=read, daemon=True).start()
while True:
    order = foreground.get()
    if order is None:
        break
    carry_out(order, is_busy.clear)
try:
    atexit._run_exitfuncs()
except BaseException as error:
    show(error)
answer(0, '"value":null')
while True:
    time.sleep(3600)
