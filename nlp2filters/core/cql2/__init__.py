"""CQL2, the public form of filters: a standard of the OGC (https://docs.ogc.org/is/21-065r2/21-065r2.html).

`reader` reads CQL2-JSON, `text` parses CQL2-text into it, `standard` writes what a lowered filter means, and `records`
writes the form that the service stores.
"""
