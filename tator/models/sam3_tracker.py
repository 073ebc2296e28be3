"""SAM 3's tracker on single images: clicks and boxes to masks."""

from __future__ import annotations

from pathlib import Path

from tator.checkpoints import given, load_pretrained, safetensors_keys
from tator.clicks import ClickSegmenter
from tator.encoder_steps import report_blocks
from tator.protocols import Card

# transformers 5.23.0 saves a Sam3VideoModel's tracker under a doubled prefix, which its own tracker class
# then reads as 147 missing tensors.
DOUBLED = "tracker_model.tracker_model."
UNDOUBLE = {
    r"^tracker_model\.tracker_model\.": "",
    r"^tracker_neck\.": "vision_encoder.neck.",
    r"^detector_model\.vision_encoder\.backbone\.": "vision_encoder.backbone.",
}


class Sam3Clicks(ClickSegmenter):
    """Segment Anything 3, the part that answers points and boxes."""

    card = Card(
        "sam3_tracker",
        task="segment",
        label="SAM 3 clicks",
        vram_mb=4_500,
        requires=("torch", "transformers", "torchvision"),
        weights="facebook/sam3",
        license="SAM License",
        source="https://arxiv.org/abs/2511.16719",
        size_mb=3_450,
        gated=True,
        rank=3,
        expects="Best masks from a click; 37 s to encode an image on two CPU cores, so meant for a GPU.",
    )

    def __init__(self, weights: Path | str | None, device: str) -> None:
        """Load a folder in the layout of facebook/sam3.

        Raises:
            Unavailable: no weights, or a file of them is missing.
            BadInput: a file is cut short or holds only part of the model.
        """
        from transformers import Sam3TrackerModel, Sam3TrackerProcessor

        folder = given(self.card, weights)
        single = folder / "model.safetensors"
        doubled = single.is_file() and any(key.startswith(DOUBLED) for key in safetensors_keys(single))
        settings = {"key_mapping": UNDOUBLE} if doubled else {}
        model = load_pretrained(Sam3TrackerModel, folder, device, **settings)
        report_blocks(model.vision_encoder.backbone.layers)
        super().__init__(model, Sam3TrackerProcessor.from_pretrained(folder, local_files_only=True), device)
