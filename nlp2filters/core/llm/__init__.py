"""The dialogue with an LLM about a text, without the call itself: see `nlp2filters.llm` for that."""
