"""A mind that asks a language model behind a chat endpoint that speaks OpenAI's protocol."""
