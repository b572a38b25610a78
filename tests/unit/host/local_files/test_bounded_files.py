"""Files of strangers are read with a bound, and no reader of the host does without."""

import ast
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import edgeproof
from edgeproof.errors import EdgeproofError, UsageError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.ssd.files.anchors import read_anchors


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert read_bounded(path, 100) == b"x" * 100
    with pytest.raises(UnreadableError, match="it is over 99 bytes long"):
        read_bounded(path, 99)


def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UnreadableError, match="it is no regular file"):
            read_bounded(path, 100)
    with pytest.raises(OSError, match="No such file"):
        read_bounded(tmp_path / "nowhere", 100)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("bad\nand more"), "it is broken (bad)"),
        (KeyError(), "it is broken (KeyError)"),
        (RecursionError(), "it is nested too deep"),
        (MemoryError(), "it takes more memory than there is"),
        (UnreadableError("it is odd"), "it is odd"),
        (OSError(13, "Permission denied"), "permission denied"),
        (UnicodeDecodeError("utf-8", b"a\xff", 1, 2, ""), "it is not UTF-8 (byte 0xff at 1)"),
        (SyntaxError("x" * 1000), f"it is broken ({'x' * 200})"),
    ],
)
def test_whatever_a_parser_raises_names_the_file(error: Exception, words: str) -> None:
    with pytest.raises(UsageError) as caught, readable(Path("a.npy"), UsageError, "Do this."):
        raise error
    assert str(caught.value) == f"a.npy: cannot be read, because {words}. Do this."


def test_errors_of_ours_and_interrupts_pass() -> None:
    with pytest.raises(EdgeproofError, match="^ours$"), readable(Path("a"), UsageError):
        raise EdgeproofError("ours")
    with pytest.raises(KeyboardInterrupt), readable(Path("a"), UsageError):
        raise KeyboardInterrupt


def npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def pickled() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([object()]), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy(b""),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4,"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4), }"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 4), }", b"x" * 64),
        npy(b"{'descr': 'O', 'fortran_order': False, 'shape': (1, 4), }", b"x" * 64),
        npy(b"(" * 5000),
        npy(b"{" + b"'a':" * 3000),
        npy(b"\xff\xfe\x00"),
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + b"x" * 20,
        pickled(),
    ],
)
def test_a_broken_array_is_one_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "anchors.npy"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"anchors\.npy: (cannot be read, because|the anchors are)"):
        read_anchors(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"file": 7}',
        '{"file": "a\\u0000b"}',
        '{"file": ""}',
        '{"boxes": [[1e999, 1, 1, 1]]}',
        "[[1, 2]]",
    ],
)
def test_a_broken_description_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"anchors\.json: "):
        read_anchors(path)


UNBOUNDED = {"read_bytes", "read_text"}
TRUSTED = {
    "history/packed_report.py": "a report that was just written",
    "report/html.py": "a file of this package",
    "local_files/atomic_file.py": "writes",
    "board/store/bootstrap.py": "the agent that is installed with this package",
    "board/ssh/host_keys.py": "known_hosts, which is the user's own",
    "board/ssh/certificates.py": "the user's own certificates",
    "board/ssh/login_keys.py": "the user's own keys",
    "config/boards.py": "edgeproof.toml, once it has been read with a bound",
    "config/editing.py": "edgeproof.toml, once it has been read with a bound",
    "board/runtime/proof.py": "a file of this package",
    "board/runtime/releases.py": "a file of this package",
    "board/store/signing.py": "a manifest that has been read and hashed",
    "board/ssh/config.py": "ssh_config, which is the user's own",
    "cluster/task.py": "files of a bundle that was opened: their digests hold",
    "bundle.py": "labels whose size and digest the manifest has confirmed",
    "convert/confined/program.py": "what the parent wrote, and /proc",
    "convert/confined/process.py": "/proc",
    "convert/confined/quantizer.py": "a result whose size was checked",
    "inspection/file_run.py": "a file that inspect has read with a bound",
    "demo/chain.py": "the sample that edgeproof fetched",
    "watch/page_server.py": "a file of this package",
    "odapi/environment.py": "lock files of this package",
    "odapi/source.py": "what edgeproof's own exporter wrote",
    "odapi/tflite_exporter.py": "a configuration that has been read with a bound",
    "local_files/output_folder.py": "a list whose size was checked",
    "sample/own_folder.py": "a record of edgeproof's own",
    "sample/recipe.py": "a record of edgeproof's own",
    "sample/shapes.py": "what edgeproof has drawn",
    "ssd/checkpoint/checkpoint_files.py": "a checkpoint's state",
    "ssd/graph/safety.py": "a file of this package",
}
"""File of the host -> why it may read without a bound."""


def test_no_reader_of_the_host_does_without_a_bound() -> None:
    folder = Path(edgeproof.__file__).parent
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in UNBOUNDED:
                found.add(path.relative_to(folder).as_posix())
    assert found <= TRUSTED.keys()
