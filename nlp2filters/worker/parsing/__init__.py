"""The parser in child processes. A computing thread would hold the interpreter, and cannot be killed; a process can.

worker ─ pool.py: order of texts and choice of process ─ process.py: one child ═ pipe ═ __main__.py ─ operations.py
"""
