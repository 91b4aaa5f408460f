"""python run.py DRIVER JSON: lets a driver read at `[{"url": "...", "silence": SECONDS}, ...]`, all at
the same time, and prints what its user sees."""

import importlib
import json
import os
import sys
import threading

from observe import observe

driver, places = sys.argv[1:]
read = importlib.import_module(f"drivers.{driver}").read
threads = [
    threading.Thread(target=observe, args=(read, place["url"], place["silence"]))
    for place in json.loads(places)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# Some clients leave threads and connections.
os._exit(0)
