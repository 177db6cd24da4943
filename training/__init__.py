"""Training of the tagger on public data. `python -m training --help`; docs/tagger.md tells of the data."""
