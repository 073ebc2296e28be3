"""A real MCP client over streamable HTTP: the tools are the operations, and logins hold."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tator.ops import operations
from tests.conftest import Guarded, Server


def with_session(
    url: str, use: Callable[[ClientSession], Awaitable[Any]], headers: dict[str, str] | None = None
) -> Any:
    async def session() -> Any:
        async with (
            httpx.AsyncClient(headers=headers, timeout=60) as http,
            streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http) as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await use(client)

    return asyncio.run(session())


def tools(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    async def use(client: ClientSession) -> Any:
        return await client.list_tools()

    return {tool.name: tool for tool in with_session(url, use, headers).tools}


def use_tool(url: str, name: str, headers: dict[str, str] | None = None, /, **arguments: Any) -> Any:
    async def use(client: ClientSession) -> Any:
        return await client.call_tool(name, arguments)

    return with_session(url, use, headers)


def answer(result: Any) -> Any:
    assert not result.isError, result.content
    return json.loads(result.content[0].text)


def test_the_tools_are_the_operations(server: Server):
    found = tools(server.url)
    assert set(found) == set(operations())
    for name, verb in operations().items():
        described = found[name].inputSchema.get("properties", {})
        assert set(described) == set(verb.parameters)
        assert all(part.get("description") for part in described.values()), f"{name}: a parameter has no description"
        assert found[name].description


def test_a_tool_answers(server: Server):
    assert answer(use_tool(server.url, "system_health"))["ok"] is True


def test_a_refusal_says_why(server: Server):
    result = use_tool(server.url, "datasets_get", dataset="nowhere")
    assert result.isError and "not_found" in result.content[0].text and "nowhere" in result.content[0].text


def test_with_logins_a_token_is_needed_and_says_who(guarded: Guarded, tmp_path: Path):
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "datasets_list", "arguments": {}}}
    for path in ("/gradio_api/mcp", "/gradio_api/mcp/", "/gradio_api/mcp/http/", "/gradio_api/mcp/sse"):
        for authorization in ({}, {"authorization": "Bearer wrong"}, {"x-gradio-user": "mcp"}):
            headers = {"accept": "application/json, text/event-stream"} | authorization
            assert httpx.post(guarded.url + path, json=ask, headers=headers).status_code == 401
    bearer = {"Authorization": f"Bearer {guarded.tokens['ann']}"}
    assert set(tools(guarded.url, bearer)) == set(operations())
    source = tmp_path / "images"
    source.mkdir()
    use_tool(guarded.url, "datasets_create", bearer, name="by mcp", source=str(source))
    jobs = [job for job in answer(use_tool(guarded.url, "jobs_list", bearer)) if job["arguments"]["name"] == "by mcp"]
    assert [job["user"] for job in jobs] == ["ann"]


@pytest.mark.slow
def test_it_can_be_left_out(start_server: Callable[..., Server]):
    plain = start_server("--no-sample", "--no-mcp")
    assert httpx.post(f"{plain.url}/gradio_api/mcp/", json={}).status_code in (404, 405)
    assert plain.stop(signal.SIGTERM) == 0 and "Traceback" not in plain.log.read_text()


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_a_foreign_page_cannot_use_the_tools(origin: str, server: Server):
    got = httpx.post(f"{server.url}/gradio_api/mcp/", json={}, headers={"origin": origin})
    assert got.status_code == 403
