"""Download files with resume and checksum, only from public addresses.

A caller who may name an address could otherwise make the server read its own network: loopback, the
cloud's metadata service, a redirect to either, a name that resolves differently the second time.
"""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tator.types import BadInput, Forbidden, NotFound, Progress, Unavailable, Work
from tator.weights.network import Network

CHUNK = 1 << 20  # bytes between two progress steps
ATTEMPTS = 4  # of one file, each resumed where the last broke off
PAUSE_S = 0.5  # before the second attempt, doubled each time
TIMEOUT = httpx.Timeout(30.0, connect=15.0)
MAX_REDIRECTS = 5
# Prefixes that carry an IPv4 address inside an IPv6 one, so that "global" says nothing about where they lead.
TUNNELS = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))

Resolve = Callable[..., list[Any]]  # socket.getaddrinfo


class PublicOnly(httpx.HTTPTransport):
    """Open https connections to public addresses; check each redirect again."""

    def __init__(self, network: Network, resolve: Resolve = socket.getaddrinfo) -> None:
        super().__init__(proxy=network.proxy or None)
        self._network, self._resolve = network, resolve

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the checked address, not to a name that could change."""
        return super().handle_request(pinned(request, self._network, self._resolve))


def pinned(request: httpx.Request, network: Network, resolve: Resolve = socket.getaddrinfo) -> httpx.Request:
    """Return the request aimed at the checked address of its host.

    The certificate is checked for the name.

    Raises:
        Forbidden: not https, a user name in it, or an address that is not public.
        Unavailable: the host's name cannot be resolved.
    """
    host = request.url.host
    if host in network.hosts:
        return request
    if request.url.scheme != "https" or request.url.userinfo:
        raise Forbidden(f"only https addresses without a user name are fetched, not {request.url.scheme}://{host}")
    address = public_address(host, resolve, behind_proxy=bool(network.proxy))
    if not address:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # with the Host of the name
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def public_address(host: str, resolve: Resolve = socket.getaddrinfo, behind_proxy: bool = False) -> str:
    """Return one address of a host all of whose addresses are public.

    "" if only a proxy can tell.

    Raises:
        Forbidden: an address of it is loopback, private, link-local, reserved or a tunnel to such.
        Unavailable: the name cannot be resolved.
    """
    try:
        found = [entry[4][0] for entry in resolve(host, 443, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        if behind_proxy and any(letter.isalpha() for letter in host):
            return ""
        raise Unavailable(f"{host} cannot be resolved; is this machine online, does it need a proxy?") from error
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        tunnel = any(address in net for net in TUNNELS if net.version == address.version)
        if not address.is_global or address.is_multicast or tunnel:
            raise Forbidden(f"{host} leads to {text}, which is not a public address; it is not fetched")
    return found[0]


def client(network: Network, resolve: Resolve = socket.getaddrinfo) -> httpx.Client:
    """Return a client that follows redirects through the guard.

    Raises:
        Unavailable: this machine is set to work offline.
    """
    if network.offline:
        raise Unavailable("this machine is set to work offline (HF_HUB_OFFLINE); nothing is fetched")
    return httpx.Client(
        transport=PublicOnly(network, resolve), timeout=TIMEOUT, follow_redirects=True, max_redirects=MAX_REDIRECTS,
        headers={"User-Agent": "tator", "Accept-Encoding": "identity"},
    )  # fmt: skip


def fetch(web: httpx.Client, url: str, target: Path, size: int = 0, sha256: str = "", token: str = "") -> Work:
    """Download one file, continuing what an earlier try left in `<target>.part`.

    Args:
        web: from client.
        url: address.
        target: file to write, complete and checked or not at all.
        size: expected bytes, 0 unknown.
        sha256: expected checksum, "" unknown.
        token: bearer token; dropped by the client when a redirect leaves the host.

    Yields:
        Progress in bytes.

    Returns:
        The checksum of the file.

    Raises:
        Unavailable: no connection, no permission, or too little disk space; the message says which.
        NotFound: the address does not exist.
        BadInput: the address is malformed, or the file differs from the expected checksum or size.
    """
    _check_address(url)
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        try:
            yield from _continued(web, url, part, size, token)
            break
        except httpx.TransportError as error:
            if attempt == ATTEMPTS - 1:
                host = urlsplit(url).hostname
                raise Unavailable(
                    f"{host} cannot be reached or breaks off ({error}); what came so far is kept."
                ) from error
            time.sleep(PAUSE_S * 2**attempt)
        except httpx.TooManyRedirects as error:
            raise Unavailable(f"{urlsplit(url).hostname} redirects more than {MAX_REDIRECTS} times") from error
    found = yield from _checksum(part)
    if (sha256 and found != sha256.lower()) or (size and part.stat().st_size != size):
        length = part.stat().st_size
        part.unlink()
        expected = " and ".join(filter(None, (f"{size} bytes" if size else "", f"sha256 {sha256}" if sha256 else "")))
        raise BadInput(
            f"{target.name} arrived damaged and was deleted; fetch it again. "
            f"It had {length} bytes and sha256 {found}, expected {expected}."
        )
    part.replace(target)
    return found


def _check_address(url: str) -> None:
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadInput(f"{url!r} is not an address: {error}") from error


def _continued(web: httpx.Client, url: str, part: Path, size: int, token: str) -> Iterator[Progress]:
    """Append what is missing to the part file."""
    have = part.stat().st_size if part.exists() else 0
    if size and have == size:
        return
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if 0 < have and (not size or have < size):
        headers["Range"] = f"bytes={have}-"
    with web.stream("GET", url, headers=headers) as response:
        if response.status_code == 416 and have:  # nothing after what we have: complete, or another file by now
            if response.headers.get("Content-Range", "").endswith(f"/{have}"):
                return
            part.unlink()
            raise httpx.ReadError("the file changed meanwhile", request=response.request)
        _refuse(response)
        resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumed else 0
        total = size or have + int(response.headers.get("Content-Length", 0))
        _check_space(part, total - have)
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
                have += len(chunk)
                if size and have > size:
                    break
                yield Progress(have, total, part.name.removesuffix(".part"))


def _refuse(response: httpx.Response) -> None:
    """Turn a refusal into words.

    Source: huggingface_hub.utils.hf_raise_for_status for the header X-Error-Code.
    """
    status, address = response.status_code, f"{response.url.host}{response.url.path}"
    code = response.headers.get("X-Error-Code", "")
    if status < 400:
        return
    if status in (401, 403):
        raise Unavailable(
            f"{address} asks for permission ({status} {code or response.reason_phrase})", status=status, code=code
        )
    if status in (404, 410):
        raise NotFound(f"{address} does not exist ({status})")
    if status in (408, 429) or status >= 500:
        raise httpx.ReadError(f"{status} {response.reason_phrase}", request=response.request)
    raise Unavailable(f"{address} answers {status} {response.reason_phrase}")


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise Unavailable(
            f"{part.name.removesuffix('.part')} needs {needed >> 20} MB more, {part.parent} has {free >> 20} MB free"
        )


def _checksum(path: Path) -> Work:
    """Return the file's sha256, a gigabyte in about two seconds."""
    total, done, digest = path.stat().st_size, 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK * 64):
            digest.update(chunk)
            done += len(chunk)
            if done < total:
                yield Progress(total, total, f"checking {path.name.removesuffix('.part')}")
    return digest.hexdigest()


def get_json(web: httpx.Client, url: str, token: str = "") -> Any:
    """Return the JSON that an address answers with.

    Raises:
        Unavailable: no connection or no permission.
        NotFound: the address does not exist.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = web.get(url, headers=headers)
        _refuse(response)
        return response.json()
    except httpx.HTTPError as error:
        raise Unavailable(f"{urlsplit(url).hostname} cannot be reached: {error}") from error
    except ValueError as error:
        raise Unavailable(
            f"{urlsplit(url).hostname} does not answer with JSON; is {url} a hub or a mirror of it?"
        ) from error
