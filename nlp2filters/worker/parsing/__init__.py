"""The parser in child processes: a thread that computes holds the interpreter, and cannot be killed; a process can.

worker ─ pool.py: who is next, which process ─ process.py: one child ═ pipe ═ __main__.py ─ operations.py: the work
"""
