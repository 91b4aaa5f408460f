import httpx
from httpx_sse import connect_sse


def read(url, saw):
    with httpx.Client() as client, connect_sse(client, "GET", url) as source:
        for event in source.iter_sse():
            saw.event(event.event, event.data, event.id)
