"""What a model is called when nobody says so."""

from pathlib import Path

import pytest

from edgeproof.convert.export_options import ExportOptions, application_name
from edgeproof.errors import UsageError


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("people.pb", "people"),
        ("my net (1).keras", "my-net-1"),
        ("ssd_v2/saved_model", "ssd_v2"),
        ("ssd_v2/pipeline.config", "ssd_v2"),
        ("ssd_v2/checkpoint/ckpt-0.index", "ssd_v2"),
        ("ssd_v2/exported/saved_model", "ssd_v2"),
        ("---.pb", "detector"),
    ],
)
def test_a_model_is_called_after_its_file_or_the_folder_around_it(source: str, name: str) -> None:
    assert application_name(None, Path(source)) == name


def test_a_name_that_cannot_be_one_is_refused() -> None:
    assert application_name("people-2", Path("x.pb")) == "people-2"
    with pytest.raises(UsageError, match=r"--name is 'a/b'; use at most 64"):
        application_name("a/b", Path("x.pb"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n", "it is empty"),
        (b"caf\xe9\n", "it is not UTF-8"),
        (
            b'{"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
            "id 1 is there twice. Give every class an",
        ),
    ],
)
def test_broken_labels_are_told_before_anything_is_read(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        ExportOptions(labels=tmp_path / "labels").require_files()
