"""A program that uses the client that openapi-python-client has generated: `python generated_program.py URL`."""

import importlib
import json
import pkgutil
import sys

import generated
from generated import Client
from generated.api.catalogs import get_catalogs_name, post_compile
from generated.api.jobs import get_jobs_job_result, post_jobs
from generated.models import Catalog, CompileRequest, FinishedJob, Problem, Result, Submission

for module in pkgutil.walk_packages(generated.__path__, "generated."):
    importlib.import_module(module.name)

with Client(sys.argv[1]) as client:
    job = post_jobs.sync(client=client, body=Submission(text="8 cylinders", catalog="cars"), prefer="wait=20")
    assert isinstance(job, FinishedJob), job
    result = get_jobs_job_result.sync(job.id, client=client)
    assert isinstance(result, Result), result
    assert job.result == result
    catalog = get_catalogs_name.sync("cars", client=client)
    assert isinstance(catalog, Catalog), catalog
    own = post_jobs.sync(client=client, body=Submission(text="8 cylinders", catalog=catalog), prefer="wait=20")
    assert isinstance(own, FinishedJob), own
    assert isinstance(own.result, Result)
    refused = post_compile.sync(client=client, body=CompileRequest(catalog="cars", filter_="No_Field = 1"))
    assert isinstance(refused, Problem), refused
    print(
        json.dumps(
            {
                "filter": result.to_dict()["filter"],
                "filter of an own catalog": own.result.to_dict()["filter"],
                "fields": [field.name for field in catalog.fields],
                "pointer": refused.errors[0].pointer if refused.errors else None,
            }
        )
    )
