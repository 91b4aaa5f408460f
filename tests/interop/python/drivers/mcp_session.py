import asyncio

from mcp.client import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def use_session(url, saw):
    async def log(parameters):
        saw.note(f"message {parameters.data}")

    async with streamable_http_client(url) as streams:
        async with ClientSession(streams[0], streams[1], logging_callback=log) as session:
            await session.initialize()
            listed = await session.list_tools()
            saw.note(f"tools {','.join(tool.name for tool in listed.tools)}")
            calls = [session.call_tool("count", {"name": name}) for name in ("ada", "bob")]
            for result in await asyncio.gather(*calls):
                saw.note(f"result {result.content[0].text}")


def read(url, saw):
    """Two calls at the same time, then the end of the session, which the transport asks for."""
    asyncio.run(use_session(url, saw))
