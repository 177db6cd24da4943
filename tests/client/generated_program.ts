import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

type Submission = components["schemas"]["Submission"];

const client = createClient<paths>({ baseUrl: process.argv[2] });

async function ask(request: Submission): Promise<components["schemas"]["Result"]> {
  const { data: job, error } = await client.POST("/v1/jobs", {
    body: request,
    params: { header: { Prefer: "wait=20" } },
  });
  if (!job) throw new Error(error.title);
  const { data: result } = await client.GET("/v1/jobs/{job_id}/result", { params: { path: { job_id: job.id } } });
  if (!result || !("conditions" in result)) throw new Error(`The job is ${job.status}.`);
  return result;
}

const result = await ask({ catalog: "cars", text: "8 cylinders", dialects: ["sql"] });
const spans: number[][] = result.conditions.map((condition) => condition.span);
const { data: catalog } = await client.GET("/v1/catalogs/{name}", { params: { path: { name: "cars" } } });
const fields: string[] = catalog?.fields.map((field) => field.name) ?? [];
const refused = await client.POST("/v1/compile", { body: { catalog: "cars", filter: "No_Field = 1" } });
console.log(JSON.stringify({ filter: result.filter, spans, fields, pointer: refused.error?.errors?.[0]?.pointer }));
