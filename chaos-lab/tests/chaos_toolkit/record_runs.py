#!/usr/bin/env python3
"""Records how whole runs of Chaos Toolkit end, and compares other programs' runs with that.

Needs the packages of requirements.txt from PyPI, by default in the virtual environment target/chaostoolkit-venv of the
repository; `--toolkit` names another program `chaos`.

    record_runs.py                       runs every case and writes runs.json; with --only the rest stays
    record_runs.py --verify              runs the cases of runs.json again and tells what is otherwise
    record_runs.py --against PROGRAM     runs them by `PROGRAM run --compat ...` and tells what is otherwise

A case is a line of runs.json: its experiment, what stands on the command line beside it, files, variables of the
environment, and the signal that is sent once the experiment has made the file `marker`. Its result holds what is
compared: the exit status, whether there is a journal, its status, whether it deviated, whether the steady state was met
before, after and during (there without repeats), each activity with its section and status, and the lines of the file
`log`, to which each activity appends its name. `left_out` names what is not certain and so not in the result. With
`shape` also all keys and types of the journal are in it.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import random
import shlex
import signal
import sys
from pathlib import Path

from runs.drawn import drawn
from runs.named import named
from runs.pythons import pythons
from runs.running import differences, observe
from runs.values import values

HERE = Path(__file__).resolve().parent
RECORD = HERE / "runs.json"
TOOLKIT = HERE.parents[2] / "target/chaostoolkit-venv/bin/chaos"

# Names of cases, as patterns, in which we differ on purpose, each with the reason.
INTENDED = [
    ("signal/*; with the background",
     "what runs in the background is ended too, so that nothing of it comes after its rollback"),
    ("signal/*; in a rollback", "a rollback that has begun is finished, and so are the others"),
    ("signal/SIGKILL", "there is a journal at every moment"),
    ("process/time-out leaves an orphan", "a time-out ends the whole process group"),
    ("ref/missing in the rollbacks*", "checked before anything runs"),
    ("ref/missing in the method, not validated", "checked before anything runs"),
    ("ref/to a rollback, not validated", "checked before anything runs"),
    ("unforeseen/missing program *", "checked before anything runs"),
    ("invalid/unknown rollback strategy in the file", "checked before anything runs"),
    ("invalid/not asked for", "checked before anything runs"),
    ("unforeseen/*", "an exception of Python there, an activity that failed or a tolerance that is not met here"),
    ("during/unforeseen exception", "an exception of Python there, a tolerance that is not met here"),
    ("names/not in names, nor paths", "an exception of Python there, an activity that failed here"),
    ("tolerance/path of a name", "an exception of Python there"),
    ("tolerance/probe whose arguments are a list", "an exception of Python there"),
    ("tolerance/probe whose process exits with 1", "the exit status of a tolerance's probe counts"),
    ("tolerance/fraction for the range", "bounds are compared as decimals"),
    ("python/leaves", "an exit there, an activity that failed here"),
    ("python/control: each fails", "an exception in cleanup_control there ends the process without a journal"),
    ("python/control: interrupts before rollback", "a rollback is played whatever a control says"),
    ("python/control: interrupts before activity undo", "a rollback is played whatever a control says"),
    ("python/a tolerance whose argument is left out", "the argument is given all the same"),
    ("tolerance/not UTF-8", "output is UTF-8 here; there its charset is guessed"),
]

# What stands in our journal beside what is in theirs.
BESIDE = {"verdict", "reasons"}


def main() -> int:
    arguments = parse()
    # Where this runs behind a shell, an interrupt may be ignored, and what is started here would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    toolkit = [str(arguments.toolkit.absolute()), "--settings", "none.yaml", "--no-version-check", "--no-log-file",
               "run"]
    generated = json.loads(json.dumps([*named(), *values(), *drawn(), *pythons()]))
    names = [case["name"] for case in generated]
    assert len(names) == len(set(names)), "two cases of one name"
    if not (arguments.verify or arguments.against):
        record(toolkit, generated, arguments)
        return 0
    recorded = known()
    if [without_result(case) for case in recorded] != generated:
        print("runs.json is not of these cases: record it again")
        return 1
    cases = [case for case in recorded if fnmatch.fnmatchcase(case["name"], arguments.only)]
    if arguments.cases is not None:
        cases = random.Random(arguments.seed).sample(cases, min(arguments.cases, len(cases)))
    return compare(program(arguments.against) if arguments.against else toolkit, cases, arguments)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--verify", action="store_true")
    which.add_argument("--against", metavar="PROGRAM", help="and its arguments before `run`, as a shell reads them")
    parser.add_argument("--cases", type=int, help="how many cases are drawn; all without it")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--only", default="*", help="a pattern of names, such as 'signal/*'")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    parser.add_argument("--toolkit", type=Path, default=TOOLKIT)
    return parser.parse_args()


def program(text):
    first, *rest = shlex.split(text)
    # Each case runs in a folder of its own.
    first = str(Path(first).absolute()) if "/" in first else first
    return [first, *rest, "run", "--compat", "--python", sys.executable]


def without_result(case):
    return {key: value for key, value in case.items() if key != "result"}


def known():
    return json.loads(RECORD.read_text(encoding="utf-8"))["cases"]


def record(toolkit, cases, arguments):
    """Records the cases that are asked for. Of the others, those that are known stay as they are."""
    before = {} if arguments.only == "*" else {case["name"]: case for case in known()}
    asked = [case for case in cases if fnmatch.fnmatchcase(case["name"], arguments.only)]
    results = {case["name"]: result for case, (result, _) in zip(asked, run(toolkit, asked, arguments.jobs))}
    observed = [results.get(case["name"]) or before[case["name"]]["result"] for case in cases]
    lines = [json.dumps({**case, "result": result}, ensure_ascii=False, separators=(",", ":"))
             for case, result in zip(cases, observed)]
    of = {"chaostoolkit": "1.19.0", "chaostoolkit-lib": "1.44.0", "jsonpath2": "0.4.5"}
    RECORD.write_text(f'{{"of": {json.dumps(of)},\n"cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
    print(f"{len(asked)} cases recorded")


def compare(command, cases, arguments):
    wrong = intended = 0
    for case, (result, printed) in zip(cases, run(command, cases, arguments.jobs)):
        if arguments.against and "shape" in result:
            result["shape"] = {key: inner for key, inner in result["shape"].items() if key not in BESIDE}
        found = differences(case["result"], result)
        reason = next((why for pattern, why in INTENDED if fnmatch.fnmatchcase(case["name"], pattern)), None)
        if found and arguments.against and reason:
            intended += 1
        elif found or (arguments.against and reason):
            found = found or ["does not differ any more, although the list says so"]
            wrong += 1
            print(case["name"], *found, sep="\n  ")
            for line in printed.splitlines()[-3:]:
                print(f"  | {line}")
    print(f"{len(cases)} cases compared, {wrong} differ, {intended} differ on purpose")
    return 1 if wrong else 0


def run(command, cases, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda case: observe(of_case(command, case), case), cases))


def of_case(command, case):
    """The command of the toolkit always names this file of settings."""
    is_ours = "--compat" in command
    return [*command, "--settings", "none.yaml"] if is_ours and "none.yaml" in case["files"] else command


if __name__ == "__main__":
    sys.exit(main())
