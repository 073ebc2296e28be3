"""SAM 2.1: clicks and boxes to masks, four sizes."""

from __future__ import annotations

from pathlib import Path

from tator.models._clicks import ClickSegmenter
from tator.protocols import Card, report_blocks

SOURCE = "https://arxiv.org/abs/2408.00714"


class Sam2(ClickSegmenter):
    """Segment Anything 2.1 on single images."""

    library = ("Sam2Model", "Sam2Processor")

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of facebook/sam2.1-hiera-tiny; see Pretrained."""
        super().__init__(weights, device)
        report_blocks(self._model.vision_encoder.backbone.blocks)


def _card(size: str, label: str, vram_mb: int, size_mb: int, expects: str) -> Card:
    return Card(
        f"sam2_{size.replace('-', '_')}",
        task="segment",
        label=f"SAM 2.1 {label}",
        vram_mb=vram_mb,
        requires=("torch", "transformers", "torchvision"),
        weights=f"facebook/sam2.1-hiera-{size}",
        license="Apache-2.0",
        source=SOURCE,
        size_mb=size_mb,
        rank=2,
        half=True,
        expects=expects,
    )


class Sam2Tiny(Sam2):
    """The smallest: 39 M parameters."""

    card = _card(
        "tiny",
        "tiny",
        2_000,
        160,
        "2 s to encode an image on two CPU cores, then 0.06 s a click; good edges on clear objects.",
    )


class Sam2Small(Sam2):
    """46 M parameters."""

    card = _card("small", "small", 2_200, 190, "A little slower and steadier than tiny.")


class Sam2BasePlus(Sam2):
    """81 M parameters."""

    card = _card("base-plus", "base+", 2_600, 330, "For a GPU; finer parts than tiny.")


class Sam2Large(Sam2):
    """224 M parameters."""

    card = _card("large", "large", 4_000, 900, "For a GPU; the best masks of the family.")
