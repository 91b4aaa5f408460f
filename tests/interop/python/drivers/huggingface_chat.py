from huggingface_hub import InferenceClient


def read(url, saw):
    # The stream ends when the client is dropped.
    client = InferenceClient(base_url=url, api_key="none")
    messages = [{"role": "user", "content": "hello"}]
    for chunk in client.chat_completion(messages=messages, model="model", stream=True):
        choice = chunk.choices[0]
        saw.note(f"text {choice.delta.content or choice.finish_reason}")
