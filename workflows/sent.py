"""What was sent with one of several forms of a page, read by the form that it belongs to."""

from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class Sent:
    """The data of one form, which says itself which one it is; or nothing at all."""

    data: QueryDict | None = None

    def of(self, form: str) -> QueryDict | None:
        """Give what was sent with a form; None when another one was sent, or none."""
        if self.data is None or self.data.get("form", "task") != form:
            return None
        return self.data

    def has(self, name: str) -> bool:
        """Whether a field was sent."""
        return self.data is not None and name in self.data

    def text(self, name: str, otherwise: str, form: str = "task") -> str:
        """Give a field of a form, or what stands there otherwise."""
        sent = self.of(form)
        return otherwise if sent is None else str(sent.get(name, otherwise)).replace("\r\n", "\n")
