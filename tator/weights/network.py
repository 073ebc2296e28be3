"""How this machine reaches the outside, as its owner set it in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Network:
    """How this machine reaches the outside; made once by app.py and cli.py.

    Attributes:
        hub: address of the Hugging Face hub or of a mirror.
        token: of a hub account, for gated repositories; sent to the hub's host only.
        offline: nothing may be fetched.
        proxy: address of an HTTP proxy, "" for none.
        cache: the hub library's own cache folder, read if it holds what is needed.
        trusted: further hosts that may have private addresses or plain http, such as a company's mirror.
    """

    hub: str = "https://huggingface.co"
    token: str = ""
    offline: bool = False
    proxy: str = ""
    cache: Path | None = None
    trusted: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Network:
        """Return the hub library's documented settings from environment variables."""
        yes = {"1", "on", "yes", "true"}
        home = environment.get("HF_HOME") or str(Path.home() / ".cache" / "huggingface")
        return cls(
            hub=(environment.get("HF_ENDPOINT") or cls.hub).rstrip("/"),
            token=environment.get("HF_TOKEN", ""),
            offline=any(environment.get(key, "").lower() in yes for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")),
            proxy=environment.get("HTTPS_PROXY") or environment.get("https_proxy") or "",
            cache=Path(environment.get("HF_HUB_CACHE") or Path(home) / "hub"),
            trusted=tuple(filter(None, environment.get("TATOR_TRUSTED_HOSTS", "").split(","))),
        )

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that the machine's owner named and that are therefore not checked."""
        return frozenset({urlsplit(self.hub).hostname or "", *self.trusted} - {""})
