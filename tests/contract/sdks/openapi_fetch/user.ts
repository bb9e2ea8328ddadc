// Asks everything of expected.py with openapi-fetch. The last line printed is JSON.
import type { Client } from "openapi-fetch";
import { ask, connect, question } from "./funnel.js";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
const [url = "", key = "", project = ""] = process.argv.slice(2);
const client = connect(url, key);
const path = { project_id: project };

const brokenDown: Schemas["FunnelRequest"] = {
  ...question,
  breakdowns: [{ property: "$browser", type: "event" }],
  funnel_step_breakdown: ["Safari"],
};
const correlation: Schemas["CorrelationRequest"] = {
  events: [{ id: "sign up" }, { id: "paid" }],
  funnel_correlation_type: "events",
  funnel_correlation_person_entity: { id: "note created", type: "events" },
  funnel_correlation_person_converted: true,
  date_from: "2024-03-01",
  date_to: "2024-03-31",
};
const trends: Schemas["TrendRequest"] = {
  events: [{ id: "paid", math: "sum", math_property: "amount" }],
  entity_id: "paid",
  entity_type: "events",
  entity_math: "sum",
  date_from: "2024-03-01",
  date_to: "2024-03-31",
};
const lifecycle: Schemas["LifecycleRequest"] = {
  events: [{ id: "paid" }],
  interval: "day",
  target_date: "2024-03-03",
  lifecycle_type: "resurrecting",
};

/** What came, or the typed error thrown. */
function got<Data>(answer: { data?: Data; error?: Schemas["ErrorResponse"] }): Data {
  if (answer.error) throw new Error(`${answer.error.attr}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error("neither data nor an error");
  return answer.data;
}

async function pages(): Promise<Schemas["PersonPage"][]> {
  const found: Schemas["PersonPage"][] = [];
  let next: string | null = "";
  while (next !== null) {
    const query = { limit: 2, offset: 2 * found.length, include_total: true };
    const page = got(await client.GET("/api/projects/{project_id}/persons/", { params: { path, query } }));
    found.push(page);
    next = page.next;
  }
  return found;
}

async function refused(client: Client<paths>, asked: Schemas["FunnelRequest"]) {
  const answer = await client.POST("/api/projects/{project_id}/persons/funnel/", { params: { path }, body: asked });
  const error: Schemas["ErrorResponse"] | undefined = answer.error;
  return { status: answer.response.status, error };
}

async function forbidden() {
  const body = { label: "cohorts only", scopes: ["cohort:read"] };
  const narrow = got(await client.POST("/api/personal_api_keys/", { body }));
  const answer = await connect(url, narrow.value).GET("/api/projects/{project_id}/persons/", { params: { path } });
  const error: Schemas["ErrorResponse"] | undefined = answer.error;
  return { status: answer.response.status, error };
}

const persons = "/api/projects/{project_id}/persons";
const params = { path };
const told = {
  funnel: await ask(client, project),
  broken_down: got(await client.POST(`${persons}/funnel/`, { params, body: brokenDown })),
  correlation: got(await client.POST(`${persons}/funnel/correlation/`, { params, body: correlation })),
  trends: got(await client.POST(`${persons}/trends/`, { params, body: trends })),
  lifecycle: got(await client.POST(`${persons}/lifecycle/`, { params, body: lifecycle })),
  values: got(await client.GET(`${persons}/values/`, { params: { path, query: { key: "seats" } } })),
  at_time: got(
    await client.GET(`${persons}/properties_at_time/`, {
      params: { path, query: { distinct_id: "ada", timestamp: "2024-03-02" } },
    }),
  ),
  pages: await pages(),
  deleted: got(await client.POST(`${persons}/bulk_delete/`, { params, body: { distinct_ids: ["gone"] } })),
  reset: (await client.POST(`${persons}/reset_person_distinct_id/`, { params, body: { distinct_id: "gone" } }))
    .response.status,
  refused: await refused(client, { ...question, funnel_step: 9 }),
  forbidden: await forbidden(),
};
console.log(JSON.stringify(told));
