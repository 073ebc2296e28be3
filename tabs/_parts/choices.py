"""What a dropdown lists where an operation knows the choices."""

from __future__ import annotations

from collections.abc import Sequence

from tabs._parts.shell import Shell
from tator.ops import operations

OPEN = "@dataset"  # argument that stands for the open dataset
MODELS = "models_list"  # its models are listed with what they need


def listed(shell: Shell, source: str, is_optional: bool = True, dataset: str = "") -> list[tuple[str, str]]:
    """Return (label, value) pairs of what an operation lists.

    Args:
        shell: the window's frame.
        source: "verb argument" as a recipe's field has it, such as "models_list encode".
        is_optional: whether "" can be chosen.
        dataset: name of the open one, which "@dataset" stands for; nothing is listed while none is open.
    """
    verb, _, argument = source.partition(" ")
    none = [("None", "")] if is_optional else []
    if argument == OPEN:
        argument = dataset if dataset in shell.names() else ""
        if not argument:
            return none
    if verb == MODELS:
        return models(shell, argument)
    first = next(iter(operations()[verb].parameters), "")
    rows = shell.call(verb, **({first: argument} if argument else {}))
    names = [row if isinstance(row, str) else row.get("name", row.get("source")) for row in rows]
    return [*none, *((name, name) for name in names)]


def models(shell: Shell, task: str) -> list[tuple[str, str]]:
    """Return the models of a task; one that lacks something says so."""
    cards = shell.call(MODELS, task=task)
    own = next((card["label"] for card in cards if card["is_default"]), "none is ready")
    ready = [card["state"] == "ready" for card in cards]
    labels = [card["label"] if ok else f"{card['label']} ({card['state']})" for card, ok in zip(cards, ready)]
    return [(f"Automatic: {own}", ""), *zip(labels, (card["id"] for card in cards))]


def lacking(shell: Shell, sources: Sequence[str]) -> list[dict]:
    """Return the smallest model of each task that has none ready."""
    tasks = [source.partition(" ")[2] for source in sources if source.partition(" ")[0] == MODELS]
    listings = [shell.call(MODELS, task=task) for task in dict.fromkeys(tasks)]
    none_ready = [cards for cards in listings if all(card["state"] != "ready" for card in cards)]
    return [min(cards, key=lambda card: card["size_mb"]) for cards in none_ready if cards]
