"""What a model backend must offer, task by task, and the card that describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tator.types import BadInput, Detections, Image

MAX_PHRASES = 200  # of one call to a concept segmenter; more is a job for a loop that can be cancelled


@dataclass(frozen=True)
class Card:
    """How a backend presents itself.

    Attributes:
        id: name used in dropdowns, recipes, the API and the CLI.
        task: key of TASKS.
        label: name a person reads.
        vram_mb: memory to reserve before loading it, on whichever device.
        requires: packages that must be importable.
        weights: where its weights come from: "" none needed, "trained" learned here from
            the person's own labels, else a hub id, file name or address.
        license: of code and weights.
        source: paper or address.
        expects: what it reaches and where it is weak, in one honest sentence.
        files: name patterns of a hub repository that are its weights; the first must be there.
        sha256: of the file where `weights` is an address; "" unknown.
        size_mb: what a download takes, about.
        gated: a hub repository that asks for a licence to be accepted first.
        rank: where several are ready and nobody chose, the highest is taken on a GPU; 0 only where no other is.
        half: its image encoder runs in half precision on a GPU, where that is faster.
        shares: id of the loaded model where several cards share one and its encoded images; "" its own.
        takes_bank: a concept segmenter that compares with exemplars of other images, an ExemplarBank.
    """

    id: str
    task: str
    label: str
    vram_mb: int = 0
    requires: tuple[str, ...] = ()
    weights: str = ""
    license: str = ""
    source: str = ""
    expects: str = ""
    files: tuple[str, ...] = ("config.json", "*.json", "*.txt", "*.model", "model*.safetensors")
    sha256: str = ""
    size_mb: int = 0
    gated: bool = False
    rank: int = 1
    half: bool = False
    shares: str = ""
    takes_bank: bool = False

    @property
    def model_id(self) -> str:
        """Id of what is loaded, and of what can read its embeddings."""
        return self.shares or self.id

    @property
    def is_fetched(self) -> bool:
        """Whether it needs weights from elsewhere, not learned here."""
        return self.weights not in ("", "trained")


class Backend(Protocol):
    """A class of tator/models/; it offers the methods of its task's protocol too."""

    card: ClassVar[Card]

    def __init__(self, weights: Path | None, device: str) -> None:
        """Load the weights onto a device.

        The weights are a file or folder, None where the backend needs none.
        """


@dataclass(frozen=True, eq=False)
class Prompt:
    """What a person pointed at, in image pixels.

    Attributes:
        points: (P, 2) float32 x, y.
        labels: (P,) bool, True on the object, False off it.
        box: (4,) float32 xyxy, or None.
        class_id: class the person has selected, a hint some backends use; -1 none.
    """

    points: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    labels: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    box: NDArray[np.float32] | None = None
    class_id: int = -1


@dataclass(frozen=True, eq=False)
class Embedding:
    """An image as one backend encoded it; prompts reuse it.

    Attributes:
        backend: model_id of the card that made it; that model alone can read it.
        width: of the original image in pixels.
        height: of the original image in pixels.
        features: whatever the backend keeps.
        nbytes: memory it holds, for the slot budget.
        precision: what the encoder computed in: float32, bfloat16 or float16.
    """

    backend: str
    width: int
    height: int
    features: Any
    nbytes: int = 0
    precision: str = "float32"


@dataclass(frozen=True, eq=False)
class ExemplarBank:
    """Example boxes of any number of images, as one backend reads them.

    Attributes:
        backend: model_id of the card that described them; that model alone can read them.
        features: (N, D) float32.
        xyxy: (N, 4) boxes they were taken from, pixels of their image.
        sources: N names of the images.
    """

    backend: str
    features: NDArray[np.float32]
    xyxy: NDArray[np.float32]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)

    @classmethod
    def concat(cls, banks: Sequence[ExemplarBank]) -> ExemplarBank:
        """Stack the banks of several images, at least one.

        Raises:
            BadInput: no bank, or banks of several backends.
        """
        backends = sorted({bank.backend for bank in banks})
        if len(backends) != 1:
            raise BadInput(f"a bank needs exemplars of one backend, these are of {', '.join(backends) or 'none'}")
        features, xyxy = (np.concatenate([getattr(bank, name) for bank in banks]) for name in ("features", "xyxy"))
        return cls(backends[0], features, xyxy, tuple(source for bank in banks for source in bank.sources))


class Segmenter(Protocol):
    """Turns clicks or a loose box into tight boxes and masks."""

    def embed(self, image: Image) -> Embedding:
        """Encode an image once."""

    def segment(self, embedding: Embedding, prompt: Prompt) -> Detections:
        """Return candidates in image pixels, best first."""


@runtime_checkable
class BoxRefiner(Protocol):
    """A segmenter that tightens many boxes at once; others are asked box by box."""

    def refine(self, embedding: Embedding, xyxy: NDArray[np.float32]) -> Detections:
        """Return the (N, 4) loose boxes moved to their objects' edges, in order."""


class Encoder(Protocol):
    """Turns crops into vectors."""

    dim: int

    def encode(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, dim) float32, unit length."""


class TextEncoder(Encoder, Protocol):
    """Turns crops and phrases into vectors of one space."""

    def encode_text(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Return (N, dim) float32, unit length."""


class ConceptSegmenter(Protocol):
    """Finds every instance of what a phrase or example boxes name."""

    def embed(self, image: Image) -> Embedding:
        """Encode an image once."""

    def find(
        self,
        embedding: Embedding,
        phrases: Sequence[str],
        exemplars: Detections,
        conf: float,
        boxes_only: bool = False,
        bank: ExemplarBank | None = None,
    ) -> list[Detections]:
        """Return the instances of each phrase in image pixels, best first.

        Args:
            embedding: from embed.
            phrases: short noun phrases; none means "what the exemplars show", one answer.
            exemplars: boxes of this image; data["positive"] bool, absent means all are.
            conf: lowest confidence to keep, in [0, 1].
            boxes_only: leave the masks out, which is faster.
            bank: exemplars of other images that show what to find, for cards with takes_bank.

        Raises:
            BadInput: a value is out of range, or a bank that the backend cannot read.
        """


@runtime_checkable
class ExemplarDescriber(Protocol):
    """A concept segmenter that can describe example boxes for other images."""

    def describe(self, embedding: Embedding, xyxy: NDArray[np.float32], source: str = "") -> ExemplarBank:
        """Return a row for each of the (N, 4) example boxes of an image.

        `source` says which image it is.
        """


class Detector(Protocol):
    """Finds objects of the classes it was trained on."""

    classes: list[str]

    def detect(self, images: Sequence[Image], conf: float) -> list[Detections]:
        """Return the objects of each image, class_id the row of `classes`, best first."""


@dataclass(frozen=True)
class Generation:
    """How a VLM chooses its words.

    Attributes:
        max_new_tokens: where an answer is cut off.
        temperature: 0 takes the likeliest token each time, higher values vary more.
        top_p: tokens are drawn from the likeliest whose probabilities add up to this, in (0, 1].
        repetition_penalty: above 1 makes tokens that were said already less likely.
        seed: of the draw.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that no backend could follow.

        Raises:
            BadInput: a setting is out of range.
        """
        bounds = {"max_new_tokens": (1, 32_768), "temperature": (0, 5), "top_p": (0, 1), "repetition_penalty": (0, 10)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise BadInput(f"{name} must be in [{low}, {high}], is {getattr(self, name)}")
        for name in ("top_p", "repetition_penalty"):
            if not getattr(self, name):
                raise BadInput(f"{name} must be above 0")


class VLM(Protocol):
    """Answers a prompt about an image in words."""

    def generate(self, image: Image | None, prompt: str, settings: Generation) -> Iterator[str]:
        """Yield the answer piece by piece; closing the iterator stops it."""


TASKS: dict[str, type] = {
    "segment": Segmenter,
    "find": ConceptSegmenter,
    "detect": Detector,
    "encode": Encoder,
    "generate": VLM,
}

OnStep = Callable[[int, int], None]  # blocks begun, blocks in all; raising stops the encoder

_listeners: ContextVar[tuple[OnStep, ...]] = ContextVar("encoder_listeners", default=())


@contextmanager
def listening(on_step: OnStep) -> Iterator[None]:
    """Call `on_step` before each block of any encoder inside the with-block.

    Those that listen outside it are called first.
    """
    token = _listeners.set((*_listeners.get(), on_step))
    try:
        yield
    finally:
        _listeners.reset(token)


def report_blocks(blocks: Sequence[Any]) -> None:
    """Make an encoder's blocks (torch modules, in order) report to whoever listens."""
    for index, block in enumerate(blocks):
        block.register_forward_pre_hook(partial(_step, index, len(blocks)))


def _step(index: int, total: int, module: Any, arguments: Any) -> None:
    for on_step in _listeners.get():
        on_step(index, total)
