"""Fields of a job's record that one stage writes and another one reads."""

# The values of large fields that a text may mean.
CANDIDATES = "candidates"
# Where the code is that an LLM reviews.
EXCERPTS = "excerpts"
# The LLM's overview of analysed code.
OVERVIEW = "overview"
