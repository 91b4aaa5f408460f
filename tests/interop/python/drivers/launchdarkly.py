from ld_eventsource import SSEClient
from ld_eventsource.actions import Event, Fault
from ld_eventsource.config import ErrorStrategy


def read(url, saw):
    client = SSEClient(url, error_strategy=ErrorStrategy.always_continue())
    for action in client.all:
        if isinstance(action, Event):
            saw.closing_event(action.event, action.data, action.last_event_id)
        elif isinstance(action, Fault):
            saw.note("reconnects")
