"""Go on from a job's clarification: its question is answered with one of the choices, or in the user's own words.

The answer is a text that refines the job. One that repeats a choice is settled by code (`core/clarification.py`); any
other is read as every text is, by the parser and an LLM, which are told the question.
"""

from starlette.responses import Response

from nlp2filters.api import admission, jobs
from nlp2filters.api.preparation import Preparation
from nlp2filters.api.refinement import RefinedJob
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, Operation
from nlp2filters.core import schemas
from nlp2filters.core.requests import AnswerRequest, Submission
from nlp2filters.errors import InvalidRequest, NoQuestion, Violation


async def answer(call: Call, body: AnswerRequest, job_id: str) -> Response:
    """Answer the question in a job's result. The answer becomes a new job, whose `refines` is the old one.

    Send the `choice`, its place in `clarification.choices`, or a `text`. `Prefer` and `Idempotency-Key` work as for a
    submission.
    """
    services, owner = call.services, call.caller.owner
    if new_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
        return await jobs.replay(call, new_id)
    limits, headers = await admission.admit(services, call.caller)
    preparation = Preparation(services, call.caller, call.headers)
    text = _answer_text(body, job_id, await preparation.refined(job_id))
    options = {name: getattr(body, name) for name in body.model_fields_set - {"choice", "text"}}
    job, request = await preparation.prepare(Submission(refines=job_id, text=text, **options))
    return await jobs.create(call, job, request, limits, headers)


def _answer_text(body: AnswerRequest, job_id: str, refined: RefinedJob) -> str:
    """Return the text of an answer.

    Raises:
        NoQuestion: the job's result has none.
        InvalidRequest: there is no such choice.
    """
    clarification = refined.earlier.reading.clarification
    if clarification is None:
        raise NoQuestion(job_id)
    if body.text is not None:
        return body.text
    assert body.choice is not None
    if body.choice >= len(clarification.choices):
        detail = f"The question has {len(clarification.choices)} choices, which are counted from 0. Choose one of them."
        raise InvalidRequest([Violation("/choice", detail)])
    return clarification.choices[body.choice]


operations = [
    Operation(
        "POST",
        "/v1/jobs/{job_id}/answer",
        answer,
        "jobs:write",
        {202: schemas.Job, 200: schemas.FinishedJob},
        body=AnswerRequest,
        params=(PREFER, IDEMPOTENCY_KEY),
        problems=("no-question", *jobs.RESULT_PROBLEMS, *jobs.KEY_PROBLEMS, *jobs.LIMIT_PROBLEMS),
        headers=jobs.CREATED_HEADERS,
    ),
]
