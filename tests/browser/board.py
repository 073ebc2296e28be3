"""A person at the canvas: looks at its state, moves the mouse in image pixels."""

from __future__ import annotations

from typing import Any

APP = "window.tator.app"
SLOW_MS = 40_000  # for what takes a second on a quiet machine: tests run beside others


class Board:
    """One browser window on the Label tab."""

    def __init__(self, browser: Any, url: str, width: int = 1440, height: int = 900, context: Any = None) -> None:
        self.context = context or browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(SLOW_MS)
        self.broken: list[str] = []
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))
        self.page.goto(url)
        self.ready()

    def restart(self) -> None:
        """Start a new canvas in the same page, as one that was never used before would find it."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.set_default_timeout(SLOW_MS)
        self.wait(
            "app.sync.waiting === 0 || app.sync.state === 'conflict'"
        )  # what is under way would meet the new canvas
        self.page.evaluate(
            "async () => { document.activeElement?.blur(); localStorage.clear(); window.tator.app.showLabel(); await window.tator.restart(); }"
        )
        self.broken.clear()
        self.ready()

    def ready(self) -> None:
        """Wait until an image is open."""
        self.wait("window.tator?.app?.session.phase === 'ready'")

    def state(self, expression: str) -> Any:
        """Return the value of an expression in which `app` is the canvas."""
        return self.page.evaluate(f"() => {{ const app = {APP}; return ({expression}); }}")

    def wait(self, condition: str) -> None:
        """Wait until a condition in which `app` is the canvas holds."""
        self.page.wait_for_function(f"() => {{ const app = window.tator?.app; return app && ({condition}); }}")

    def open(self, index: int) -> None:
        """Open the image at an index of the list."""
        self.page.evaluate(f"async (i) => {APP}.session.openImage((await {APP}.images.at(i)).id)", index)
        self.wait(f"app.session.index === {index} && app.session.phase === 'ready'")

    def saved(self) -> None:
        """Wait until everything is saved."""
        self.wait("app.sync.state === 'saved' && app.sync.waiting === 0")

    def rows(self) -> list[dict]:
        """Return the annotations as the page holds them."""
        return self.state("[...app.store.rows.values()]")

    def stored(self) -> list[dict]:
        """Return the open image's annotations as the server holds them."""
        return self.page.evaluate(
            f"async () => (await {APP}.call('image_open', {{image_id: {APP}.session.imageId}})).annotations"
        )

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where an image point is in the window."""
        corner = self.state("app.stage.root.getBoundingClientRect().toJSON()")
        view = self.state("app.stage.view")
        return x * view["zoom"] + view["x"] + corner["left"], y * view["zoom"] + view["y"] + corner["top"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse between two image points."""
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=5)
        self.page.mouse.up()

    def click(self, x: float, y: float, **more: Any) -> None:
        """Click an image point."""
        self.page.mouse.click(*self.at(x, y), **more)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def clear(self) -> None:
        """Delete every annotation of the open image and wait until that is saved."""
        self.page.mouse.move(*self.at(5, 5))
        self.press("Control+a", "Delete", "Escape")
        self.saved()

    def burst(self, *keys: str) -> None:
        """Press keys in as quick succession as fingers do, however slow the way from here to the page is just now."""
        self.page.evaluate(
            """(presses) => {
            for (const facts of presses) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", facts));
        }""",
            [pressed(combo) for combo in keys],
        )

    def draw(self, box: tuple[float, float, float, float]) -> str:
        """Draw a box with the box tool and return its id."""
        before = self.state("app.store.rows.size")
        self.press("b")
        self.drag(box[:2], box[2:])
        self.wait(f"app.store.rows.size === {before + 1}")
        return self.rows()[-1]["id"]

    def box(self, key: str) -> list[float] | None:
        """Return the xyxy of an annotation, None when it is gone."""
        return self.page.evaluate(f"(id) => {APP}.store.rows.get(id)?.xyxy ?? null", key)


def pressed(combo: str) -> dict[str, Any]:
    """Return what a keydown event says of a combination such as "Alt+Shift+ArrowDown"."""
    *held, key = combo.split("+")
    code = f"Key{key.upper()}" if len(key) == 1 and key.isalpha() else key
    return {
        "key": key,
        "code": code,
        "bubbles": True,
        "cancelable": True,
        **{f"{name.lower()}Key": True for name in held},
    }
