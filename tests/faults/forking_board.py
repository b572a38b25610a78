"""A board whose commands are forks of one process: real processes and real files, without the start-up of each.

Run as a module, with a socket as its standard input. A request brings the descriptors of a command's streams; each
command is then run in a process of its own, as a shell on a board would run it, so that it can be killed like one.
"""

import array
import importlib
import json
import os
import shlex
import signal
import socket
import sys
import traceback
from typing import Any

from tests.faults import file_faults

_MAX_REQUEST_BYTES = 1 << 20
_STREAMS = 4  # standard input, output, error, and the pipe that the exit status goes to


def main() -> None:
    """Serves until the socket is closed."""
    for module in ("store.operations", "serve.host_operations", "detection.interpreters", "__main__"):
        importlib.import_module(f"edgeproof_agent.{module}")
    importlib.import_module("ai_edge_litert.interpreter")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=0) as requests:
        while True:
            data, ancillary, _, _ = requests.recvmsg(_MAX_REQUEST_BYTES, socket.CMSG_SPACE(_STREAMS * 4))
            if not data:
                return
            streams = array.array("i")
            for _, _, packed in ancillary:
                streams.frombytes(packed)
            if os.fork() == 0:
                requests.close()
                _shell(json.loads(data), streams)
            for descriptor in streams:
                os.close(descriptor)


def _shell(request: dict[str, Any], streams: "array.array[int]") -> None:
    """Starts the command, waits for its end and writes how it ended, as `/bin/sh -c 'command; exit $?'` does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        status = _run(request, streams)
        os._exit(status)
    for descriptor in streams[:3]:
        os.close(descriptor)
    os.write(streams[3], b"pid %d\n" % command)
    status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    os.write(streams[3], b"status %d\n" % status)
    os._exit(0)


def _run(request: dict[str, Any], streams: "array.array[int]") -> int:
    os.setsid()
    for number, descriptor in enumerate(streams[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ["HOME"] = request["home"]
    os.chdir(request["home"])
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    words = shlex.split(request["command"])
    start = words.index("-c")
    sys.argv = ["-c", *(word for word in words[start + 2 :] if word not in (";", "exit", "$?"))]
    sys.argv = [word.removesuffix(";") for word in sys.argv]
    source = words[start + 1].removesuffix(";")
    if request["watched"]:
        # Told at once: the process may be killed at any moment.
        file_faults.watch(lambda calls: os.write(streams[3], b"calls %d\n" % calls), request["fault"])
    try:
        exec(compile(source, "<command>", "exec"), {"__name__": "__main__"})
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  # what a Python of its own would print
        traceback.print_exc()
        status = 1
    sys.setprofile(None)
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main()
