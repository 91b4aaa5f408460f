import asyncio

from mcp.client import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def call_tool(url, saw):
    async def log(parameters):
        saw.note(f"text {parameters.data}")

    async with streamable_http_client(url) as streams:
        async with ClientSession(streams[0], streams[1], logging_callback=log) as session:
            await session.initialize()
            result = await session.call_tool("tool", {})
            saw.note(f"text {result.content[0].text}")


def first(error):
    """The error in a group, in which task groups wrap it."""
    return first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def read(url, saw):
    try:
        asyncio.run(call_tool(url, saw))
    except BaseExceptionGroup as group:
        raise first(group) from None
