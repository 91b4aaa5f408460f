from openai import OpenAI


def read(url, saw):
    client = OpenAI(api_key="none", base_url=url, max_retries=0)
    messages = [{"role": "user", "content": "hello"}]
    for chunk in client.chat.completions.create(model="model", messages=messages, stream=True):
        choice = chunk.choices[0]
        saw.note(f"text {choice.delta.content or choice.finish_reason}")
