"""Jobs of the kind `inference`: read a table in a child process, and infer its catalog.

stage.py: from the blob store to a file ─ process.py: one child ═ pipe ═ __main__.py ─ nlp2filters.table_inference
"""
