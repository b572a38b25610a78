"""Classes of a data set and labels of a model: by name, said as it is, refused where two could be meant."""

import pytest

from edgeproof.datasets.class_mapping import ClassMapping, map_classes
from edgeproof.errors import DataSetError

CATEGORIES = {1: "person", 2: "Traffic_Light", 18: "dog"}


def mapped(
    labels: list[str],
    categories: dict[int, str] | None = None,
    used: set[int] | None = None,
    renames: dict[str, str] | None = None,
    common: bool = False,
) -> ClassMapping:
    names = CATEGORIES if categories is None else categories
    return map_classes(names, labels, set(names) if used is None else used, renames, common)


def test_names_are_alike_but_for_case_blanks_and_dashes() -> None:
    found = mapped(["dog", "???", "traffic light", "PERSON", "cat"])
    assert found.categories == {0: 18, 2: 2, 3: 1}
    assert list(found.labels.items()) == [(1, "person"), (2, "Traffic_Light"), (18, "dog")]
    assert found.unlabelled == 1
    assert found.lines() == [
        "3 classes by name: person, Traffic_Light, dog",
        "1 class of the model is not labelled there: what is found of them does not count",
    ]


def test_an_exact_name_goes_before_one_that_is_alike() -> None:
    assert mapped(["Dog", "dog", "person", "traffic-light"]).categories[1] == 18


@pytest.mark.parametrize(
    "labels", [["Dog", "DOG", "person", "traffic light"], ["dog", "dog", "person", "traffic light"]]
)
def test_two_labels_that_could_be_meant_are_refused(labels: list[str]) -> None:
    with pytest.raises(DataSetError, match=r"'dog' of the data set could be .* of the model \(its classes 0, 1\)"):
        mapped(labels)


def test_two_categories_of_one_label_are_refused() -> None:
    with pytest.raises(DataSetError, match=r"'dog' and 'Dog' of the data set would both be 'dog' of the model"):
        mapped(["dog"], {1: "dog", 2: "Dog"})


def test_a_class_that_the_model_does_not_know_is_refused_or_left_out() -> None:
    with pytest.raises(DataSetError, match=r"does not know 1 class of the data set's 3: Traffic_Light\.") as caught:
        mapped(["person", "dog", "trafficlights"])
    assert "Did you mean 'trafficlights' for 'Traffic_Light'? " in str(caught.value)
    assert "--map Traffic_Light=LABEL" in str(caught.value)
    found = mapped(["person", "dog"], common=True)
    assert found.left_out == ("Traffic_Light",)
    assert set(found.labels) == {1, 18}
    assert found.lines()[1] == "left out, since the model does not know them: Traffic_Light"


def test_a_class_without_objects_is_not_missed() -> None:
    found = mapped(["person", "dog"], used={1, 18})
    assert (found.left_out, set(found.labels)) == ((), {1, 18})


def test_nothing_in_common_is_refused_whatever_is_wanted() -> None:
    with pytest.raises(DataSetError, match=r"no class of the data set \(person, .*\) is one of the model \(a, b\)"):
        mapped(["a", "b"], common=True)


def test_a_class_is_the_label_that_it_is_said_to_be() -> None:
    found = mapped(["human", "dog", "light"], renames={"person": "human", "Traffic_Light": "light"})
    assert found.categories == {0: 1, 1: 18, 2: 2}
    assert found.renamed == ("person = human", "Traffic_Light = light")


@pytest.mark.parametrize(
    ("renames", "words"),
    [
        ({"persn": "dog"}, r"the data set has no class 'persn'\. Did you mean 'person'"),
        ({"person": "dgo"}, r"the model has no label 'dgo'\. Did you mean 'dog'"),
        ({"person": "dog"}, "'person' and 'dog' of the data set would both be 'dog'"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(renames: dict[str, str], words: str) -> None:
    with pytest.raises(DataSetError, match=words):
        mapped(["person", "dog", "traffic light"], renames=renames)
