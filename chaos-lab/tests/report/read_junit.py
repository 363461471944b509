"""Reads JUnit's XML as build servers do, and prints the counts of each suite: as told, and of its cases."""

import json
import sys

from junitparser import Error, Failure, JUnitXml, Skipped

told, counted = [], []
for suite in JUnitXml.fromfile(sys.argv[1]):
    told.append([suite.tests, suite.failures, suite.errors, suite.skipped])
    results = [case.result for case in suite]
    kinds = [sum(isinstance(result, kind) for found in results for result in found)
             for kind in (Failure, Error, Skipped)]
    counted.append([len(results), *kinds])
print(json.dumps({"told": told, "counted": counted}))
