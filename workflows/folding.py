"""Which compounds of a graph are open: as its address asks, and as its size allows (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from workflows.arrangement import visible
from workflows.outline import Outline
from workflows.tree import MANY_PATHS, OPEN_AT_MOST

#: With more boxes than this, a page asks first.
DRAWN_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """The compounds of a graph, which of them are closed, and how an address says so.

    `every` is "open", "closed" or empty, for as the size of the graph has it; `opened` and `shut`
    are the compounds that are otherwise. `rest` is what else stands in the page's address.
    """

    compounds: frozenset[str]
    is_large: bool = False
    every: str = ""
    opened: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()
    rest: tuple[tuple[str, str], ...] = ()

    @property
    def closed(self) -> frozenset[str]:
        """The paths of the compounds that are closed, those inside of closed ones too."""
        return self.compounds - self.opened if self._begins_closed else self.shut

    @property
    def query(self) -> str:
        """Give what an address has to say of it; empty when all is as it is at the start."""
        pairs = [("every", self.every)] if self.every else []
        turned = (
            [("open", path) for path in sorted(self.opened)]
            if self._begins_closed
            else [("close", path) for path in sorted(self.shut)]
        )
        return urlencode(pairs + turned)

    @property
    def address(self) -> str:
        """Give the page's own address."""
        parts = [urlencode([("view", "graph"), *self.rest]), self.query]
        return "?" + "&".join(part for part in parts if part)

    def turn(self, path: str) -> "Folding":
        """Close what is open, or open what is closed."""
        return replace(self, opened=self.opened ^ {path}, shut=self.shut ^ {path})

    def all(self, every: str) -> "Folding":
        """Open or close every compound: "open" or "closed"."""
        return replace(self, every=every, opened=frozenset(), shut=frozenset())

    def beside(self, name: str, value: str) -> "Folding":
        """Say something else in the page's address; an empty value takes it out."""
        others = tuple(pair for pair in self.rest if pair[0] != name)
        return replace(self, rest=(*others, (name, value)) if value else others)

    @property
    def _begins_closed(self) -> bool:
        return self.every == "closed" or (self.is_large and not self.every)


def folding_of(outline: Outline, query: Mapping[str, Sequence[str]]) -> Folding:
    """Read what an address asks for; what the graph does not have counts as not asked."""
    every = next(iter(query.get("every", ())), "")
    compounds = frozenset(
        path for path, place in outline.places.items() if place.kind == "compound" and place.body
    )
    return Folding(
        compounds=compounds,
        is_large=len(outline.places) > OPEN_AT_MOST,
        every=every if every in {"open", "closed"} else "",
        opened=compounds & frozenset(query.get("open", ())[:MANY_PATHS]),
        shut=compounds & frozenset(query.get("close", ())[:MANY_PATHS]),
        rest=tuple(
            (name, value)
            for name, value in (("beside", "definition"), ("all", "yes"))
            if value in query.get(name, ())
        ),
    )


def drawn_boxes(outline: Outline, folding: Folding) -> int:
    """Count the places that are drawn."""
    return sum(1 for _ in visible(outline, folding.closed))
