"""Logs of the service alone: the peers of other tests run in the same process and write logs too."""

import pytest


def own_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The messages so far of the service's own loggers."""
    return [record.message for record in caplog.records if record.name.startswith("nlp2filters")]
