import requests


def read(url, saw):
    with requests.get(url, stream=True) as response:
        for line in response.iter_lines(decode_unicode=True):
            if line and not line.startswith(":"):
                saw.note(f"line {line}")
