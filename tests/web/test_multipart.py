"""T31: multipart bodies made to tire their parser; each is answered soon, and the app goes on answering others."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Server

SOON_S = 20.0  # a body of a megabyte takes 0.1 s alone; tests run beside others


def part(headers: str, content: str = "x") -> str:
    return f"--B\r\n{headers}\r\n\r\n{content}\r\n"


BODIES = {
    "a header without an end": "--B\r\n" + "A" * 1_000_000,
    "many headers": part("\r\n".join(f"X-{n}: y" for n in range(50_000))),
    "many parts": "".join(part(f'Content-Disposition: form-data; name="{n}"') for n in range(20_000)) + "--B--\r\n",
    "nearly boundaries": part('Content-Disposition: form-data; name="files"; filename="a.txt"', "\r\n--" * 250_000)
    + "--B--\r\n",
    "dashes alone": part('Content-Disposition: form-data; name="files"; filename="a.txt"', "-" * 1_000_000)
    + "--B--\r\n",
    "semicolons": part("Content-Disposition: form-data" + ";" * 500_000),
    "backslashes": part('Content-Disposition: form-data; name="' + "\\" * 500_000),
    "quotes": part("Content-Disposition: form-data; name=" + '"' * 500_000),
    "cut off": part('Content-Disposition: form-data; name="files"; filename="a.txt"')[:-20],
    "nothing": "",
}
TYPES = {
    "plain": "multipart/form-data; boundary=B",
    "no boundary": "multipart/form-data",
    "semicolons": "multipart/form-data; " + ";" * 4_000 + " boundary=B",
    "backslashes": 'multipart/form-data; x="' + "\\" * 4_000 + "; boundary=B",
    "long boundary": "multipart/form-data; boundary=" + "B" * 4_000,
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", TYPES)
def test_t31_tiring_multipart_is_answered_soon(server: Server, kind: str, body: str):
    with httpx.Client(base_url=server.url, timeout=SOON_S) as client:
        got = client.post("/upload", content=BODIES[body].encode(), headers={"content-type": TYPES[kind]})
        assert got.status_code < 500
        assert client.get("/healthz").status_code == 200
