"""Names that something might take for more than names, and stores seen without the job's code."""

import unicodedata
from pathlib import Path

import fsspec
from hypothesis import strategies as st

CHARACTERS = "ab1[]*?!^{}#%&+:=@~,;'\"\\|<>()$ ._-가각힣é한"
PIECES = ("::", "[1]", "[!a]", "**", "%2F", "%20", "#12", "?generation=5", "..", "김 철", "file:")
segments = (
    st.lists(st.sampled_from([*CHARACTERS, *PIECES]), min_size=1, max_size=6)
    .map("".join)
    .map(lambda name: unicodedata.normalize("NFC", name))
    .filter(lambda name: name not in (".", ".."))
)


def _neighbours(name: str) -> list[str]:
    """Names that are not `name`, but that it would match, cut short to or begin."""
    taken_for = name.replace("[1]", "1").replace("*", "xyz").replace("?", "q").replace("[!a]", "b")
    others = [
        *(taken_for, f"{name}0", f"{name}/sub", f"x/{name}", f"{name} ", f"{name}//sub"),
        unicodedata.normalize("NFD", name),
        name.partition("#")[0] or "x",
        name.partition("?")[0] or "x",
        name.partition("::")[0] or "x",
    ]
    return [other for other in others if other != name]


# A name, and one beside it.
pairs = segments.flatmap(
    lambda name: st.tuples(
        st.just(name), st.one_of(st.sampled_from(_neighbours(name)), segments)
    ).filter(lambda pair: pair[0] != pair[1])
)


class Seen:
    """What lies in a store, by its own means: put there, and looked at."""

    def __init__(self, base: str, server):
        self.base, self.server = base, server
        self.kind = base.partition("://")[0] if "://" in base else "file"

    def key(self, place: str) -> str:
        """The name of an object as the store has it. Slashes at the end are nothing."""
        rest = f"{self.base}/{place}".partition("://")[2] if "://" in self.base else place
        if self.kind == "gs":
            return rest.partition("/")[2]
        if self.kind == "memory":
            return rest.lstrip("/")
        folder = self.base.removeprefix("file://")
        return str(Path(folder, place))

    def put(self, place: str, data: bytes) -> None:
        if self.kind == "gs":
            self.server.put(self.key(place), data)
        elif self.kind == "memory":
            fsspec.filesystem("memory").pipe_file(f"{self.base}/{place}", data)
        else:
            file = Path(self.key(place))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def all(self) -> dict[str, bytes]:
        if self.kind == "gs":
            return self.server.objects()
        if self.kind == "memory":
            store = fsspec.filesystem("memory").store
            return {name.lstrip("/"): file.getvalue() for name, file in store.items()}
        found = Path(self.base.removeprefix("file://")).rglob("*")
        return {str(path): path.read_bytes() for path in found if path.is_file()}

    def below(self, place: str) -> dict[str, bytes]:
        start = self.key(place) + "/"
        return {name: data for name, data in self.all().items() if name.startswith(start)}
