"""Reading a file that somebody has uploaded: in a child process of its own, with limits of time and memory.

process.py: one child ═ pipe (frames.py) ═ __main__.py ─ the function that reads it
"""
