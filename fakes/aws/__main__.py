"""Stands in for AWS in tests: see README.md."""

import sys

sys.dont_write_bytecode = True

from nursery import nurse  # noqa: E402
from serve import serve  # noqa: E402

if __name__ == "__main__":
    if len(sys.argv) > 1:
        nurse(sys.argv[1])
    else:
        serve()
