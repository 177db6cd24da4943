"""Reading a file that somebody has uploaded: in a child process of its own, with limits of time and memory.

load.py: from the blob store to a file ─ process.py: one child ═ pipe ═ __main__.py ─ the function that reads it
"""
