"""Events as the client reads them."""

import json

from httpx_sse import ServerSentEvent

from nlp2filters.client.events import JobEventReader
from nlp2filters.core import schemas
from nlp2filters.core.jobs import create, to_public

JOB = schemas.Job.model_validate(to_public(create("job_1", "transcription", "anonymous", 0, deadline_s=60)))


def test_what_is_said_comes_in_parts() -> None:
    part = {
        "stage": "audio",
        "attempt": 1,
        "start_s": 0.5,
        "end_s": 29.0,
        "text": "He was not an ill-disposed young man.",
    }
    data = {"type": "job.transcript", "job_id": "job_1", "at": "2026-11-26T07:20:53.172Z", **part}
    event = JobEventReader(JOB).read(ServerSentEvent("transcript", json.dumps(data), "1-0"))
    assert event and event.transcript
    assert (event.name, event.job, event.transcript.end_s) == ("transcript", JOB, 29.0)
    assert event.transcript.text == part["text"]
    stream = {"id": "1-0", "event": "transcript", "data": json.dumps(data)}
    assert isinstance(schemas.JobEvent.model_validate(stream).data, schemas.TranscriptPart)
