"""How many tasks may work at once, as the operator writes it in the environment."""

from django.core.exceptions import ImproperlyConfigured


def limits_in(text: str) -> dict[str, int]:
    """Read "process=64,run:*=16,group:ollama=1"; nothing is limited by an empty text.

    Raises ImproperlyConfigured for anything else, and for a limit below 1.
    """
    found = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        name, _, most = each.partition("=")
        if not name or not most.isdecimal() or int(most) < 1:
            raise ImproperlyConfigured(
                f"ANABRANCH_LIMITS has '{each}'; write a name and a number, "
                "such as process=64,run:*=16,user:*=32,group:ollama=1."
            )
        found[name.strip()] = int(most)
    return found
