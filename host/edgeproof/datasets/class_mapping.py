"""Which class of a model is which of a data set: by names, and refused where two could be meant."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from edgeproof.errors import DataSetError
from edgeproof.wording.counting import counted

_LISTED = 12


@dataclass(frozen=True)
class ClassMapping:
    categories: Mapping[int, int]
    """Class index of the model to category id of the data set."""
    labels: Mapping[int, str]
    """Category id to the name in the data set, of those that are evaluated, ids rising."""
    left_out: tuple[str, ...] = ()
    """Classes of the data set that the model does not know."""
    renamed: tuple[str, ...] = ()
    """`motorbike = motorcycle`: classes that the two call by different names."""
    unlabelled: int = 0
    """Classes of the model that the data set does not label: what is found of them does not count."""

    def lines(self) -> list[str]:
        """What was decided, for people."""
        lines = [f"{counted(len(self.labels), 'class', 'classes')} by name: {_listed(list(self.labels.values()))}"]
        if self.renamed:
            lines.append(f"one class under two names (data set = model): {_listed(self.renamed)}")
        if self.left_out:
            lines.append(f"left out, since the model does not know them: {_listed(self.left_out)}")
        if self.unlabelled:
            kinds = counted(self.unlabelled, "class of the model is", "classes of the model are")
            lines.append(f"{kinds} not labelled there: what is found of them does not count")
        return lines


def map_classes(
    categories: Mapping[int, str],
    labels: Sequence[str],
    used: Collection[int],
    renames: Mapping[str, str] | None = None,
    common: bool = False,
) -> ClassMapping:
    """`labels` are the model's, by class index; `used` are the categories that have objects.

    Names are alike when they differ in case, blanks, - and _ alone. `renames` says which label of the model a class of
    the data set is. With `common` classes of the data set that the model does not know are left out. Raises
    `DataSetError` when such a class is not left out, when two could be meant, or when none is known to both.
    """
    wanted = _wanted(categories, labels, renames or {})
    by_name = _by_name(labels)
    found: dict[int, int] = {}
    missing: list[str] = []
    renamed: list[str] = []
    for category, name in categories.items():
        label = wanted.get(category, name)
        alike = by_name.get(_folded(label), [])
        indices = [index for index in alike if labels[index] == label] or alike
        if len(indices) > 1:
            raise DataSetError(
                f"{name!r} of the data set could be {' or '.join(repr(labels[one]) for one in indices)} of the model "
                f"(its classes {', '.join(map(str, indices))}). A model whose labels are told apart is needed."
            )
        if not indices:
            missing += [name] * (category in used)
            continue
        if indices[0] in found:
            other = categories[found[indices[0]]]
            raise DataSetError(
                f"{other!r} and {name!r} of the data set would both be {labels[indices[0]]!r} of the model. "
                f"Say which label each is: --map {_quoted(name)}=LABEL"
            )
        found[indices[0]] = category
        if _folded(label) != _folded(name):
            renamed.append(f"{name} = {label}")
    _require_known(categories, labels, found, missing, common)
    evaluated = sorted(found.values())
    return ClassMapping(
        found,
        {category: categories[category] for category in evaluated},
        tuple(missing),
        tuple(renamed),
        sum(not _is_placeholder(label) for label in labels) - len(found),
    )


def _wanted(categories: Mapping[int, str], labels: Sequence[str], renames: Mapping[str, str]) -> dict[int, str]:
    wanted: dict[int, str] = {}
    for name, label in renames.items():
        ids = [number for number, known in categories.items() if known == name]
        if not ids:
            raise DataSetError(f"the data set has no class {name!r}.{_near(name, list(categories.values()))}")
        if label not in labels:
            raise DataSetError(f"the model has no label {label!r}.{_near(label, labels)}")
        wanted |= dict.fromkeys(ids, label)
    return wanted


def _require_known(
    categories: Mapping[int, str], labels: Sequence[str], found: Mapping[int, int], missing: Sequence[str], common: bool
) -> None:
    if not found:
        raise DataSetError(
            f"no class of the data set ({_listed(list(categories.values()))}) is one of the model "
            f"({_listed(list(labels))}). Say which is which with --map CLASS=LABEL."
        )
    if missing and not common:
        first = missing[0]
        raise DataSetError(
            f"the model does not know {counted(len(missing), 'class', 'classes')} of the data set's {len(categories)}: "
            f"{_listed(missing)}.{_near(first, labels)} Say which label it is with --map {_quoted(first)}=LABEL, or "
            "evaluate the classes that both know with --common-classes."
        )


def _by_name(labels: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        found.setdefault(_folded(label), []).append(index)
    return found


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().casefold())


def _is_placeholder(label: str) -> bool:
    """Lines of a class that is none, as label files of COCO have them."""
    return not label.strip() or label.strip().casefold() in ("n/a", "???", "none")


def _near(wrong: str, known: Sequence[str]) -> str:
    by_folded = {_folded(name): name for name in known}
    near = difflib.get_close_matches(_folded(wrong), list(by_folded), 1, cutoff=0.6)
    return f" Did you mean {by_folded[near[0]]!r} for {wrong!r}?" if near else ""


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
