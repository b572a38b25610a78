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
        ("ssd_v2_2018/frozen_inference_graph.pb", "ssd_v2_2018"),
        ("ssd_v2/model/saved_model", "ssd_v2"),
        ("ssd_v2/tflite/model.tflite", "ssd_v2"),
        ("ssd_v2/saved_model/saved_model.pb", "ssd_v2"),
        ("models/person/1/saved_model.pb", "person"),
    ],
)
def test_a_model_is_called_after_its_file_or_the_folder_around_it(source: str, name: str) -> None:
    assert application_name(ExportOptions(), Path(source)) == name


@pytest.mark.parametrize(
    ("labels", "name"),
    [("person\n", "person"), ("cat\ndog\n", "cat-dog"), ("a\nb\nc\n", "detector"), (None, "detector")],
)
@pytest.mark.parametrize("source", ["model.tflite", "frozen_inference_graph.pb", "saved_model"])
def test_a_model_whose_files_have_every_model_s_names_is_called_after_its_labels(
    tmp_path: Path, source: str, labels: str | None, name: str
) -> None:
    place = tmp_path / "tmp/out/models/exported/tflite"
    place.mkdir(parents=True)
    if labels is not None:
        (tmp_path / "labels.txt").write_text(labels)
    options = ExportOptions(labels=None if labels is None else tmp_path / "labels.txt")
    assert application_name(options, place / source) == name


def test_a_name_that_cannot_be_one_is_refused() -> None:
    assert application_name(ExportOptions("people-2"), Path("x.pb")) == "people-2"
    with pytest.raises(UsageError, match=r"--name is 'a/b'; use at most 64"):
        application_name(ExportOptions("a/b"), Path("x.pb"))


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
