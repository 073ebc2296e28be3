"""An image of 200 megapixels in headless Chromium: opening it, moving over it, and what server and page hold of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench._row import Row
from bench.canvas import APP, app, chromium, frames_while

SIZE = (16_000, 12_500)
PIXELS = SIZE[0] * SIZE[1]
LARGE = "b_large.jpg"
WHOLE = "200-megapixel JPEG"
SHARP = f"() => {APP}?.tiles.isSharp"
PLACES = 60  # looked at in full resolution, all over the image
PIECE = 1 << 23  # bytes
TILE_MB = 1.0  # 512 x 512 of four bytes


def rows() -> Iterator[Row]:
    """Measure a running app whose dataset is one large image and a small one."""
    with tempfile.TemporaryDirectory() as folder, app(Path(folder), draw_images) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_function(f"() => {APP}?.session.phase === 'ready'", timeout=60_000)
        server = server_of(url)
        before = memory_mb(server, "VmRSS:")
        yield from opening(page, Path(folder) / "frames" / LARGE)
        after, peak = memory_mb(server, "VmRSS:") - before, memory_mb(server, "VmHWM:") - before
        yield Row(f"server's memory by a {WHOLE}, afterwards", after, "MB", "", None, "<= 150 MB", after <= 150)
        most = PIXELS * 6 / 2**20
        yield Row(
            f"server's memory by a {WHOLE}, at most", peak, "MB", "4 bytes a pixel", PIXELS * 4 / 2**20,
            f"<= {most:.0f} MB", peak <= most,
        )  # fmt: skip
        yield moving(page)
        yield holding(page)


def opening(page: Any, file: Path) -> Iterator[Row]:
    """Open the large image for the first time and again; what cannot be done without is the peer."""
    shown, sharp = opened(page)
    yield Row(f"open a {WHOLE} the first time, to its picture", shown, "ms", "", None, "<= 500 ms", shown <= 500)
    least = least_ms(file)
    peer = "decode it and write its levels' bytes"
    yield Row(f"open a {WHOLE} the first time, to sharp tiles", sharp, "ms", peer, least, "<= 4 x", sharp <= 4 * least)
    _, again = opened(page)
    yield Row(f"open a {WHOLE} again, to sharp tiles", again, "ms", peer, least, "<= 1,000 ms", again <= 1_000)


def opened(page: Any) -> tuple[float, float]:
    """Open the small image, then the large one; return ms to its picture and to its tiles."""
    page.evaluate(f"async () => {APP}.session.openImage((await {APP}.images.at(0)).id)")
    page.wait_for_timeout(1_500)  # a person looks; the small picture of the neighbour is there by now
    shown = page.evaluate(
        f"""async () => {{
        window.began = performance.now();
        await {APP}.session.openImage((await {APP}.images.at(1)).id);
        return performance.now() - window.began;
    }}"""
    )
    page.wait_for_function(SHARP, timeout=120_000, polling="raf")
    return shown, page.evaluate("() => performance.now() - window.began")


def least_ms(file: Path) -> float:
    """Return how long Pillow takes to decode a file, and the disk to take all levels of it."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = PIXELS
    began = time.perf_counter()
    with Image.open(file) as picture, file.with_name("levels").open("wb") as levels:
        picture.load()
        for _ in range(PIXELS * 4 // PIECE):  # three bytes a pixel, and a third more
            levels.write(bytes(PIECE))
    took = 1_000 * (time.perf_counter() - began)
    file.with_name("levels").unlink()
    return took


def moving(page: Any) -> Row:
    """Drag and zoom over the image in full resolution; frames of the picture a second."""
    page.evaluate(f"() => {APP}.stage.zoomTo(1)")
    page.wait_for_function(SHARP, polling="raf")
    page.mouse.move(600, 400)
    page.mouse.down(button="middle")

    def move(i: int) -> None:
        page.mouse.move(600 + 400 * ((i % 80) / 40 - 1), 400 + 250 * ((i % 60) / 30 - 1))
        if i % 25 == 0:
            page.mouse.wheel(0, 240 if i % 50 else -240)

    fps = frames_while(page, move)
    page.mouse.up(button="middle")
    return Row(f"pan and zoom a {WHOLE}", fps, "frames/s", "", None, ">= 30 frames/s", fps >= 30)


def holding(page: Any) -> Row:
    """Look at places all over the image; the tiles that the page then holds."""
    page.evaluate(f"() => {APP}.stage.zoomTo(1)")
    for i in range(PLACES):
        at = [SIZE[0] * ((i * 7) % PLACES) / PLACES, SIZE[1] * i / PLACES]
        page.evaluate(f"(at) => {APP}.stage.centre(at)", at)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.wait_for_function(SHARP, polling="raf")
    held = page.evaluate(f"() => {APP}.tiles.held") * TILE_MB
    whole = PIXELS * 4 / 2**20
    what = f"tiles of a {WHOLE} in the page after {PLACES} places"
    return Row(what, held, "MB", "the image as one bitmap", whole, "<= 200 MB", held <= 200)


def draw_images(folder: Path) -> None:
    """Write a large JPEG of noise and lines, and a small one."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True)
    noise = np.random.default_rng(4).integers(0, 255, (SIZE[1] // 20, SIZE[0] // 20, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(noise).resize(SIZE, Image.Resampling.BILINEAR)).copy()
    large[::100], large[:, ::100] = 255, 0
    Image.fromarray(large).save(folder / LARGE, quality=90)
    Image.fromarray(noise).save(folder / "a_small.jpg")


def server_of(url: str) -> int:
    """Return the process that listens at an address."""
    port = f":{int(url.rpartition(':')[2]):04X} "
    inodes = {
        line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if port in f"{line.split()[1]} "
    }
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]") in inodes - {"0"}:
                return int(descriptor.parts[2])
        except OSError:
            continue
    raise RuntimeError(f"nothing listens at {url}")


def memory_mb(process: int, what: str) -> float:
    """Return the memory of a process now (VmRSS:) or at most (VmHWM:)."""
    return int(Path(f"/proc/{process}/status").read_text().split(what)[1].split()[0]) / 1024
