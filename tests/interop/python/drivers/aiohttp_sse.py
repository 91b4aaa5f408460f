import asyncio

from aiohttp_sse_client2.client import EventSource


async def read_all(url, saw):
    async with EventSource(url) as source:
        async for event in source:
            # An event without a name has none here.
            saw.closing_event(event.type or "message", event.data, event.last_event_id)


def read(url, saw):
    asyncio.run(read_all(url, saw))
