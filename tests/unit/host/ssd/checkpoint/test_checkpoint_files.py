"""A checkpoint's files are found from any of them, the newest is chosen, and what is missing is named."""

from pathlib import Path

import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.checkpoint.checkpoint_files import digest_checkpoint, find_checkpoint_files
from edgeproof.ssd.checkpoint.label_map import find_label_map
from edgeproof.ssd.sources import recognise_source

KIND = "odapi-checkpoint"


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def put_checkpoint(folder: Path, number: int = 0) -> Path:
    return put(folder, f"ckpt-{number}.index", f"ckpt-{number}.data-00000-of-00001")


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """The layout of the model zoo, without its SavedModel."""
    put_checkpoint(tmp_path / "ssd" / "checkpoint")
    (tmp_path / "ssd" / "checkpoint" / "checkpoint").write_text('model_checkpoint_path: "ckpt-0"\n')
    return put(tmp_path / "ssd", "pipeline.config")


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """The layout of a training, moved here from another machine."""
    for number in (8, 9, 10):
        put_checkpoint(tmp_path, number)
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "/content/training/ckpt-9"\nall_model_checkpoint_paths: "ckpt-8"\n'
    )
    return put(tmp_path, "pipeline.config")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "pipeline.config",
        "checkpoint",
        "checkpoint/checkpoint",
        "checkpoint/ckpt-0",
        "checkpoint/ckpt-0.index",
        "checkpoint/ckpt-0.data-00000-of-00001",
    ],
)
def test_a_model_zoo_folder_is_found_by_any_of_its_files(zoo: Path, given: str) -> None:
    assert recognise_source(zoo / given).kind.kind == KIND
    files = find_checkpoint_files(zoo / given)
    assert files.config == zoo / "pipeline.config"
    assert files.prefix == zoo / "checkpoint" / "ckpt-0"
    assert [shard.name for shard in files.shards] == ["ckpt-0.data-00000-of-00001"]


def test_a_saved_model_beside_the_checkpoint_goes_first_and_the_checkpoint_by_its_path(zoo: Path) -> None:
    put(zoo, "saved_model/saved_model.pb")
    assert recognise_source(zoo).kind.kind == "saved-model"
    assert recognise_source(zoo / "checkpoint").kind.kind == KIND
    assert recognise_source(zoo / "pipeline.config").kind.kind == KIND


def test_the_newest_is_the_one_that_the_training_names(training: Path) -> None:
    files = find_checkpoint_files(training)
    assert (files.prefix.name, files.others) == ("ckpt-9", 2)


def test_without_its_word_the_newest_is_that_of_the_highest_number(training: Path) -> None:
    (training / "checkpoint").write_text('model_checkpoint_path: "ckpt-11"')
    assert find_checkpoint_files(training).prefix.name == "ckpt-10"
    (training / "checkpoint").unlink()
    assert find_checkpoint_files(training / "pipeline.config").prefix.name == "ckpt-10"


def test_an_older_one_is_taken_when_its_path_is_given(training: Path) -> None:
    assert find_checkpoint_files(training / "ckpt-8").prefix.name == "ckpt-8"
    assert recognise_source(training / "ckpt-8").kind.kind == KIND


def test_a_relative_path_finds_the_configuration_above(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(zoo / "checkpoint")
    assert find_checkpoint_files(Path("ckpt-0")).config == zoo / "pipeline.config"
    assert find_checkpoint_files(Path(".")).prefix.name == "ckpt-0"


@pytest.mark.parametrize(
    ("removed", "given", "words"),
    [
        ("pipeline.config", "", "pipeline.config is neither in"),
        ("pipeline.config", "checkpoint/ckpt-0", "pipeline.config is neither in"),
        ("checkpoint/ckpt-0.index", "", "there is no checkpoint"),
        ("checkpoint/ckpt-0.index", "pipeline.config", "there is no checkpoint"),
        ("checkpoint/ckpt-0.index", "checkpoint/ckpt-0.data-00000-of-00001", r"ckpt-0\.index is not beside it"),
        ("checkpoint/ckpt-0.data-00000-of-00001", "", "its data is not whole: .* and none is there"),
    ],
)
def test_what_is_missing_is_named(zoo: Path, removed: str, given: str, words: str) -> None:
    (zoo / removed).unlink()
    with pytest.raises(NotAnSsdError, match=words):
        recognise_source(zoo / given)


def test_all_shards_are_needed(zoo: Path) -> None:
    folder = zoo / "checkpoint"
    (folder / "ckpt-0.data-00000-of-00001").rename(folder / "ckpt-0.data-00001-of-00002")
    with pytest.raises(NotAnSsdError, match=r"and ckpt-0\.data-00001-of-00002 is there"):
        digest_checkpoint(zoo)
    put(folder, "ckpt-0.data-00000-of-00002")
    assert [shard.name[-14:] for shard in find_checkpoint_files(zoo).shards] == ["00000-of-00002", "00001-of-00002"]


def test_a_checkpoint_whose_name_goes_on_is_another(zoo: Path) -> None:
    put(zoo / "checkpoint", "ckpt-01.data-00000-of-00003", "ckpt-0.index")
    assert len(find_checkpoint_files(zoo).shards) == 1


def test_the_digest_is_that_of_the_content_wherever_it_lies(zoo: Path, tmp_path: Path) -> None:
    flat = put_checkpoint(tmp_path / "flat")
    (flat / "mine.config").write_bytes((zoo / "pipeline.config").read_bytes())
    assert digest_checkpoint(flat / "mine.config") == digest_checkpoint(zoo)
    (zoo / "checkpoint" / "ckpt-0.data-00000-of-00001").write_bytes(b"changed")
    assert digest_checkpoint(flat / "mine.config") != digest_checkpoint(zoo)


def test_the_label_map_of_the_evaluation_goes_before_that_of_the_training(zoo: Path) -> None:
    config = zoo / "pipeline.config"
    config.write_text("train_input_reader { label_map_path: 'old/train.pbtxt' }")
    assert find_label_map(config) is None
    put(zoo, "train.pbtxt", "data/eval.pbtxt")
    assert find_label_map(config) == zoo / "train.pbtxt", "the path is another machine's"
    with config.open("a") as file:
        file.write("eval_input_reader { label_map_path: 'data/eval.pbtxt' }")
    assert find_label_map(config) == zoo / "data" / "eval.pbtxt"


def test_labels_that_are_found_belong_to_the_digest(zoo: Path) -> None:
    (zoo / "pipeline.config").write_text("train_input_reader { label_map_path: 'label_map.pbtxt' }")
    before = digest_checkpoint(zoo)
    put(zoo, "label_map.pbtxt")
    assert digest_checkpoint(zoo) != before
