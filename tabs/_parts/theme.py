"""The look: Gradio's theme tied to the tokens of tator.css, and the page's head."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import gradio as gr

from tator.web.routes import ASSETS, assets_url

TOKENS = {
    "body_background_fill": "var(--t-bg)",
    "background_fill_primary": "var(--t-panel)",
    "background_fill_secondary": "var(--t-bg)",
    "body_text_color": "var(--t-text)",
    "body_text_color_subdued": "var(--t-muted)",
    "border_color_primary": "var(--t-line)",
    "border_color_accent": "var(--t-accent)",
    "border_color_accent_subdued": "var(--t-line)",
    "color_accent": "var(--t-accent)",
    "color_accent_soft": "var(--t-accent-soft)",
    "link_text_color": "var(--t-accent)",
    "link_text_color_hover": "var(--t-accent)",
    "link_text_color_active": "var(--t-accent)",
    "link_text_color_visited": "var(--t-accent)",
    "block_background_fill": "transparent",
    "block_border_color": "var(--t-line)",
    "block_info_text_color": "var(--t-muted)",
    "block_label_background_fill": "transparent",
    "block_label_text_color": "var(--t-muted)",
    "block_title_text_color": "var(--t-text)",
    "block_title_background_fill": "transparent",
    "panel_background_fill": "var(--t-panel)",
    "panel_border_color": "var(--t-line)",
    "accordion_text_color": "var(--t-text)",
    "table_text_color": "var(--t-text)",
    "checkbox_background_color": "var(--t-bg)",
    "checkbox_background_color_focus": "var(--t-bg)",
    "checkbox_background_color_hover": "var(--t-panel-2)",
    "checkbox_background_color_selected": "var(--t-primary)",
    "checkbox_border_color": "var(--t-line-2)",
    "checkbox_border_color_focus": "var(--t-accent)",
    "checkbox_border_color_hover": "var(--t-accent)",
    "checkbox_border_color_selected": "var(--t-primary)",
    "checkbox_label_background_fill": "var(--t-panel-2)",
    "checkbox_label_background_fill_hover": "var(--t-panel-2)",
    "checkbox_label_background_fill_selected": "var(--t-accent-soft)",
    "checkbox_label_border_color": "var(--t-line)",
    "checkbox_label_border_color_hover": "var(--t-line-2)",
    "checkbox_label_border_color_selected": "var(--t-accent)",
    "checkbox_label_text_color": "var(--t-text)",
    "checkbox_label_text_color_selected": "var(--t-text)",
    "input_background_fill": "var(--t-bg)",
    "input_background_fill_focus": "var(--t-bg)",
    "input_background_fill_hover": "var(--t-bg)",
    "input_border_color": "var(--t-line)",
    "input_border_color_focus": "var(--t-accent)",
    "input_border_color_hover": "var(--t-line-2)",
    "input_placeholder_color": "var(--t-muted)",
    "loader_color": "var(--t-accent)",
    "slider_color": "var(--t-accent)",
    "stat_background_fill": "var(--t-panel-2)",
    "button_primary_background_fill": "var(--t-primary)",
    "button_primary_background_fill_hover": "var(--t-primary-2)",
    "button_primary_border_color": "var(--t-primary)",
    "button_primary_border_color_hover": "var(--t-primary-2)",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_hover": "#ffffff",
    "button_secondary_background_fill": "var(--t-panel-2)",
    "button_secondary_background_fill_hover": "var(--t-line)",
    "button_secondary_border_color": "var(--t-line)",
    "button_secondary_border_color_hover": "var(--t-line-2)",
    "button_secondary_text_color": "var(--t-text)",
    "button_secondary_text_color_hover": "var(--t-text)",
    "button_cancel_background_fill": "transparent",
    "button_cancel_background_fill_hover": "var(--t-bad-soft)",
    "button_cancel_border_color": "var(--t-bad)",
    "button_cancel_border_color_hover": "var(--t-bad)",
    "button_cancel_text_color": "var(--t-bad)",
    "button_cancel_text_color_hover": "var(--t-bad)",
}
SHAPE = {
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0px",
    "block_radius": "var(--t-radius)",
    "block_label_border_width": "0px",
    "block_label_shadow": "none",
    "block_label_padding": "0px",
    "block_title_padding": "0px",
    "block_title_text_size": "12px",
    "block_title_text_weight": "550",
    "block_info_text_size": "11.5px",
    "block_label_text_size": "12px",
    "body_text_size": "13px",
    "input_radius": "7px",
    "input_border_width": "1px",
    "input_padding": "6px 10px",
    "input_text_size": "13px",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px var(--t-accent-soft)",
    "layout_gap": "12px",
    "form_gap_width": "0px",
    "container_radius": "var(--t-radius)",
    "checkbox_label_padding": "5px 10px",
    "checkbox_label_shadow": "none",
    "checkbox_label_text_size": "12.5px",
    "checkbox_shadow": "none",
    "checkbox_label_text_weight": "500",
    "button_large_padding": "7px 14px",
    "button_large_text_size": "13px",
    "button_large_text_weight": "600",
    "button_large_radius": "8px",
    "button_medium_padding": "6px 12px",
    "button_medium_text_size": "13px",
    "button_medium_radius": "8px",
    "button_medium_text_weight": "550",
    "button_small_padding": "4px 10px",
    "button_small_text_size": "12px",
    "button_small_radius": "7px",
    "button_small_text_weight": "550",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "button_cancel_shadow": "none",
    "button_transition": "background-color .12s, border-color .12s",
    "section_header_text_size": "13px",
    "shadow_drop": "none",
    "shadow_drop_lg": "0 10px 30px rgba(0, 0, 0, .35)",
}
SCRIPTS = ("window.js", "panel.js", "threshold.js")  # in assets/window, run before anything is drawn
FONTS: dict[str, Any] = {
    "font": ["system-ui", "Segoe UI", "sans-serif"],
    "font_mono": ["ui-monospace", "Menlo", "monospace"],
}


def theme() -> gr.themes.Base:
    """Return the theme, in which every colour is a token.

    So tator.css alone chooses between dark and light.
    """
    known = inspect.signature(gr.themes.Base.set).parameters
    dark = {f"{name}_dark": value for name, value in TOKENS.items() if f"{name}_dark" in known}
    return gr.themes.Base(radius_size="md", spacing_size="sm", text_size="sm", **FONTS).set(**TOKENS, **dark, **SHAPE)


def css_paths() -> list[Path]:
    """Return the style sheets to launch with, tokens first."""
    tokens = ASSETS / "tator.css"
    return [tokens, *sorted(path for path in ASSETS.rglob("*.css") if path != tokens)]


def asset_url(path: str) -> str:
    """Return the address, relative to the page, of a file in assets/."""
    return f"{assets_url()}/{path}"


def head() -> str:
    """Return what the page's head needs before anything is drawn.

    That is the background of each theme, the canvas's modules, which are fetched while Gradio draws, and the scripts of the
    window and of the panels.
    """
    modules = sorted(path.relative_to(ASSETS).as_posix() for path in (ASSETS / "canvas").rglob("*.js"))
    fetched = "".join(f'<link rel="modulepreload" href="{asset_url(path)}">' for path in modules)
    script = "".join((ASSETS / "window" / name).read_text(encoding="utf-8") for name in SCRIPTS)
    dark, light = "html{background:#14161b}", "html[data-theme=light]{background:#f3f4f7}"
    return f"<style>{dark}{light}</style>{fetched}<script>{script}</script>"
