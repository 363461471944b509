"""Reads the text of Prometheus by prometheus-client, and prints the families as JSON, values as text."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = []
for family in text_string_to_metric_families(sys.stdin.read()):
    samples = [{"name": s.name, "labels": s.labels, "value": str(s.value)} for s in family.samples]
    families.append({"name": family.name, "help": family.documentation, "type": family.type, "samples": samples})
print(json.dumps(families))
