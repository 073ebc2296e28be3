"""The page: what the browser is told of it, and what clients are told besides."""

from __future__ import annotations

from typing import Any

import gradio as gr

PAGE = ""  # Gradio's name for the first page


class Window(gr.Blocks):
    """A page without the operations that are published with it.

    A hundred operations have four parameters each, which a browser would build and look through for nothing. Clients are still
    told everything: they ask for no page.
    """

    def get_config_file(self) -> Any:
        """Return everything, and of the page what is drawn or listens there."""
        told: Any = super().get_config_file()
        published = {fn._id for fn in self.fns.values() if fn.api_visibility == "public"}
        unseen = {component["id"] for component in told["components"] if component["type"] == "api"}
        page = told["page"][PAGE]
        page["dependencies"] = [each for each in page["dependencies"] if each not in published]
        page["components"] = [each for each in page["components"] if each not in unseen]
        layout = page["layout"]
        layout["children"] = [child for child in layout["children"] if child["id"] not in unseen]
        return told

    def get_api_info(self, all_endpoints: bool = False, page: str | None = None) -> Any:
        """Return what clients may call; a page calls nothing by name."""
        if page == PAGE:
            return {"named_endpoints": {}, "unnamed_endpoints": {}}
        return super().get_api_info(all_endpoints, page)
