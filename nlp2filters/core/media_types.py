"""The media types of tables that the service reads."""

CSV, TSV, JSON_LINES, JSON = "text/csv", "text/tab-separated-values", "application/x-ndjson", "application/json"
PARQUET, SQLITE = "application/vnd.apache.parquet", "application/vnd.sqlite3"
XLSX, XLS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.ms-excel"
ODS, GEO_JSON = "application/vnd.oasis.opendocument.spreadsheet", "application/geo+json"
# The suffixes of each type's files; the first one is the usual one.
SUFFIXES = {
    CSV: (".csv", ".txt"),
    TSV: (".tsv", ".tab"),
    JSON_LINES: (".jsonl", ".ndjson"),
    JSON: (".json",),
    PARQUET: (".parquet", ".pq"),
    SQLITE: (".sqlite", ".sqlite3", ".db"),
    XLSX: (".xlsx",),
    XLS: (".xls",),
    ODS: (".ods",),
}
# The work of reading these is in proportion to their size. The others are compressed, or may run queries.
PLAIN = frozenset((CSV, TSV, JSON_LINES, JSON))


def suffix_of(media_type: str) -> str:
    """Return the usual suffix of the files of a media type, which may have parameters."""
    return SUFFIXES[media_type.partition(";")[0].strip().lower()][0]


def of_file(name: str) -> str | None:
    """Return the media type of a file by its name; None if it is not known."""
    return next((type_ for type_, suffixes in SUFFIXES.items() if name.lower().endswith(suffixes)), None)
