"""Commands by name, each made when it is asked for: one command must not wait for the import of the others."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # typer carries its own click and shows its types nowhere else.
    from typer import _click


class OnDemand(Mapping[str, "_click.Command"]):
    """A table of commands. Its names cost nothing; a command is made once, at its first use."""

    def __init__(self, makers: Mapping[str, "Callable[[], _click.Command]"]) -> None:
        self._makers = makers
        self._made: dict[str, _click.Command] = {}

    def __getitem__(self, name: str) -> "_click.Command":
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
