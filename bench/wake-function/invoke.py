"""One cold start in Python: imports the function, hands it the event in EVENT, and prints its answer."""

import json
import os

import original

print(json.dumps(original.handler(json.loads(os.environ["EVENT"]), None)))
