"""What the user of a client sees at one URL, as one JSON object per line."""

import json
import threading

# How long a client may be silent at first, in seconds.
START = 40

_printing = threading.Lock()


class Closed(BaseException):
    """Ends a client after the last event."""


class Saw:
    def __init__(self, url):
        self.url = url
        self.news = threading.Event()
        self.is_finished = False

    def event(self, type, data, id=None):
        """The last event ends a client that would come back."""
        self._report(event=[type, data, id])

    def closing_event(self, type, data, id=None):
        """An event of a client that reconnects, which the last one ends."""
        self._report(event=[type, data, id])
        if data == "last":
            raise Closed

    def note(self, note):
        self._report(note=note)

    def finish(self, note=None):
        if note is not None:
            self._report(note=note)
        self.is_finished = True
        self.news.set()

    def _report(self, **seen):
        if self.is_finished:
            raise Closed
        with _printing:
            print(json.dumps({"url": self.url, **seen}), flush=True)
        self.news.set()


def observe(read, url, silence):
    """Runs `read(url, saw)` until the client is done, or was silent for so many seconds."""
    saw = Saw(url)

    def run():
        try:
            read(url, saw)
            saw.finish("end")
        except Closed:
            saw.finish()
        except BaseException as error:
            saw.finish(f"error {type(error).__name__}")

    # A client that waits for ever does not keep the process.
    threading.Thread(target=run, daemon=True).start()
    limit = START
    while not saw.is_finished:
        if not saw.news.wait(limit):
            saw.finish("silence")
        saw.news.clear()
        limit = silence
