"""Word settings and arguments for the endpoint, the MCP tool and the command line.

It imports nothing: the command line's help reads recipes from their source and has to be quick.
"""

from __future__ import annotations

SAVED = "recipe"  # parameter that names a saved recipe
SAVED_HELP = "name of a saved recipe, from recipes_list; a setting given beside it counts instead of the saved one."


def help_line(
    help: str, unit: str = "", low: float | None = None, high: float | None = None, operation: str = ""
) -> str:
    """Return a setting's help with its range, unit and where its choices come from.

    Args:
        help: one sentence that says what the setting does.
        unit: what a number counts.
        low: smallest value allowed.
        high: largest value allowed.
        operation: verb and argument that list the choices.
    """
    bounds = range_text(low, high)
    amount = " ".join(part for part in (bounds, unit) if part) if bounds else f"in {unit}" if unit else ""
    extra = [part for part in (amount, f"an id from {operation}" if operation else "") if part]
    return "; ".join([help.rstrip("."), *extra]) + "."


def range_text(low: float | None, high: float | None) -> str:
    """Return what a number must be, such as "from 1 to 3"; "" where anything goes."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"from {low} to {high}"


def argument_help(doc: str) -> dict[str, str]:
    """Return {parameter: first line of its help} of a Google-style docstring."""
    lines = doc.split("Args:", 1)[1].splitlines() if "Args:" in doc else []
    found = {}
    for line in lines:
        if line.strip() and not line.startswith(" "):
            break  # the next section
        name, colon, text = line.partition(":")
        if colon and len(name) - len(name.lstrip()) == 4 and name.strip().isidentifier():
            found[name.strip()] = text.strip()
    return found
