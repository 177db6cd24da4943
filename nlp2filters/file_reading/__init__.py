"""Reading a file that somebody has uploaded: in a child process of its own, with limits of time and memory.

process.py: one child ═ socket (frames.py) ═ child.py ─ the function that reads it (orders.py)
                └─ forked from a server (multiprocessing's, prepared by server.py), which has loaded the libraries
"""
