"""The features of Hugging Face's `datasets`: what the integers of a column are called.

They are written in three ways: as JSON in a schema's metadata, as JSON in dataset_info.json and
dataset_infos.json, and as YAML on top of README.md. Releases of `datasets` differ.
Reference: https://huggingface.co/docs/datasets/about_dataset_features
"""

from collections.abc import Callable, Iterator, Mapping

Names = tuple[str, ...]


def described_names(description: object, key: str) -> set[Names]:
    """The different lists of names that the feature `key` has in a description, at any depth."""
    return set(_found(description, key, below=False))


def _found(value: object, key: str, *, below: bool) -> Iterator[Names]:
    if isinstance(value, dict):
        if below and (names := _listed(value.get("names"))):
            yield names
        below = below or value.get("name") == key
        for name, item in value.items():
            yield from _found(item, key, below=below or name == key)
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, key, below=below)


def _listed(names: object) -> Names | None:
    """The names in order. YAML has an object of them, each under its number."""
    if isinstance(names, dict):
        numbers = [int(key) for key in names if str(key).isdecimal()]
        if sorted(numbers) != list(range(len(names))):
            return None
        names = [name for _, name in sorted(zip(numbers, names.values(), strict=True))]
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    return None


def naming(feature: object) -> Callable[[object], object] | None:
    """The change that puts names for the integers of a column; None where it has no classes.

    A number without a name stays: only what uses it can tell whether that matters.
    """
    return (lambda value: _named(value, feature)) if _has_classes(feature) else None


def _has_classes(feature: object) -> bool:
    if isinstance(feature, list):
        return any(map(_has_classes, feature))
    if not isinstance(feature, dict):
        return False
    return bool(_classes(feature)) or any(map(_has_classes, feature.values()))


def _classes(feature: object) -> Names | None:
    is_class = isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    return _listed(feature["names"]) if is_class and "names" in feature else None


def _named(value: object, feature: object) -> object:
    inner = _inner(feature)
    if isinstance(value, list):
        if names := _classes(inner):
            return [_name(item, names) for item in value]
        return [_named(item, inner) for item in value]
    if isinstance(value, dict) and isinstance(inner, Mapping):
        return {key: _named(item, inner.get(key)) for key, item in value.items()}
    names = _classes(feature)
    return _name(value, names) if names else value


def _inner(feature: object) -> object:
    """The feature of a list's elements. A list of objects may be an object of lists."""
    if isinstance(feature, list):
        return feature[0] if feature else None
    if isinstance(feature, dict) and "feature" in feature and "_type" in feature:
        return feature["feature"]
    return feature


def _name(value: object, names: Names) -> object:
    is_number = type(value) is int and 0 <= value < len(names)
    return names[value] if is_number else value
