"""Analysis of code and documents: a map of the symbols, duplicates, clusters, findings and a summary.

Everything here is a plain function of the files and of vectors that others have computed.
"""
