"""The window's listeners: which are published, queued, and never dropped."""

from __future__ import annotations

import inspect
import re

import tabs
from tator.ops import operations


def test_the_window_publishes_the_operations_and_no_listener(wb):
    window = tabs.build(wb)
    listeners = [fn for fn in window.fns.values() if fn.api_visibility != "private"]
    assert sorted(fn.api_name for fn in listeners) == sorted(operations())
    assert sorted(path.strip("/") for path in window.get_api_info()["named_endpoints"]) == sorted(operations())


def test_listeners_that_tell_of_something_are_queued(wb):
    told = [
        fn
        for fn in tabs.build(wb).fns.values()
        if fn.fn and re.search(r"gr\.Info\(|tell_trashed\(", inspect.getsource(fn.fn))
    ]
    assert len(told) >= 8 and all(fn.queue is not False for fn in told), "nobody sees gr.Info from outside the queue"


def test_what_follows_another_listener_is_never_dropped(wb):
    """Gradio drops a call of a listener that still answers, unless told otherwise: an end of a job was missed on a slow machine."""
    fns = tabs.build(wb).fns.values()
    assert {fn.trigger_mode for fn in fns if fn.trigger_after is not None} == {"always_last"}
    assert not [fn.targets for fn in fns if fn.fn and any(event in ("change", "input") for _, event in fn.targets)], (
        "the last counts"
    )
    selects = [fn.trigger_mode for fn in fns if any(event == "select" for _, event in fn.targets)]
    assert len(selects) >= 5 and "once" not in selects, "every page that is turned to is drawn"


def test_no_event_is_repeated_for_its_other_listeners(wb):
    """Gradio repeats a whole event for one listener that had to wait: with two of them it went on without an end."""
    fns = tabs.build(wb).fns.values()
    waiting = [fn for fn in fns if fn.trigger_mode == "always_last" and fn.fn]
    assert len(waiting) >= 30 and not [fn.targets for fn in waiting if fn.trigger_after is None], (
        "they follow a listener of the browser"
    )


def test_what_draws_a_panel_waits_its_turn_behind_what_a_person_picked_in_it(wb):
    """A drawing asked for before a press came after its answer on a busy machine, and closed the question just opened."""
    fns = [fn for fn in tabs.build(wb).fns.values() if fn.fn]
    picks = [fn for fn in fns if any(event == "pick" for _, event in fn.targets) and fn.concurrency_id == "in turn"]
    picked = {fn.targets[0][0] for fn in picks} & {output._id for fn in picks for output in fn.outputs}
    drawing = [fn for fn in fns if picked & {output._id for output in fn.outputs}]
    at_will = [fn for fn in drawing if fn.queue is False or fn.concurrency_id != "in turn"]
    assert len(picked) >= 10 and not [fn.fn.__qualname__ for fn in at_will]


def test_the_page_is_told_nothing_of_the_operations_and_clients_everything(wb):
    window = tabs.build(wb)
    told = window.get_config_file()
    published = {each["id"] for each in told["dependencies"] if each["api_visibility"] == "public"}
    parameters = {each["id"] for each in told["components"] if each["type"] == "api"}
    page = told["page"][""]
    assert len(published) == len(operations()) and len(parameters) > len(published)
    assert not published & set(page["dependencies"]) and not parameters & set(page["components"])
    assert not parameters & {child["id"] for child in page["layout"]["children"]}
    assert window.get_api_info(page="")["named_endpoints"] == {}


def test_how_far_a_listener_is_goes_to_one_widget(wb):
    """Gradio's page looks through itself for each output of a listener, five times an event: half a second at the start."""
    hidden = [
        fn
        for fn in tabs.build(wb).fns.values()
        if fn.fn and fn.show_progress == "hidden" and fn.api_visibility == "private"
    ]
    told = {id(fn.show_progress_on[0]) if fn.show_progress_on else None for fn in hidden}
    assert len(hidden) >= 80 and len(told) == 1 and None not in told
