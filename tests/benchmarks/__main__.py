"""`make bench`: all benchmarks, or those that are named: startup, pipeline, suppression, video, export, ssh,
command_line, rates."""

import importlib
import sys

NAMES = ("startup", "pipeline", "suppression", "video", "export", "ssh", "command_line", "rates")

for name in sys.argv[1:] or NAMES:
    if name not in NAMES:
        sys.exit(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    importlib.import_module(f"tests.benchmarks.{name}").main()
