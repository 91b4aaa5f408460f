import subprocess


class CurlError(Exception):
    """curl has ended with a failure, such as 18 for an incomplete response."""


def read(url, saw):
    command = ["curl", "--silent", "--no-buffer", "--compressed", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        for line in curl.stdout:
            # A line that is cut has no end.
            if line.endswith("\n") and line != "\n" and not line.startswith(":"):
                saw.note("line " + line.removesuffix("\n"))
    if curl.returncode:
        raise CurlError(curl.returncode)
