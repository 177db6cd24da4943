"""The embedding model: its name says in which space vectors are."""

# The thresholds of linking and the tagger hold for its embeddings.
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# The editions of its weights on this machine; their vectors are in one space.
WEIGHTS = ("float32", "int8")
