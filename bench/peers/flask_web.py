"""A stand-in for the older system: Flask and RQ, a job in two queues one after the other, its result by polling.

The jobs do nothing, so only what the system itself costs is measured.
"""

import os
import uuid
from typing import Any

from flask import Flask, request
from redis import Redis
from rq import Queue
from rq.job import Job

from bench.peers.rq_jobs import embed

CONNECTION = Redis.from_url(os.environ["REDIS_URL"])
EMBEDDING = Queue("embedding", connection=CONNECTION)
app = Flask(__name__)


@app.post("/embedding/echo")
def submit() -> tuple[dict[str, Any], int]:
    """Accept a job."""
    text, job_id = request.get_json()["text"], uuid.uuid4().hex
    EMBEDDING.enqueue(embed, job_id, text, job_id=job_id, result_ttl=600)
    return {"job_id": job_id}, 202


@app.get("/embedding/result/<job_id>")
def result(job_id: str) -> dict[str, Any]:
    """Return the result, or the status so far."""
    if not Job.exists(f"{job_id}-llm", CONNECTION):
        return {"status": "queued"}
    job = Job.fetch(f"{job_id}-llm", CONNECTION)
    return {"result": job.return_value()} if job.is_finished else {"status": job.get_status()}


@app.get("/health")
def health() -> dict[str, str]:
    """Say that the process runs."""
    return {"status": "ok"}
