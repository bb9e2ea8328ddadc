// Asks everything of expected.py with the client of @hey-api/openapi-ts. The last line printed is JSON.
import { ask, connect, question } from "./funnel.js";
import * as sdk from "./sdk/index.js";

const [url = "", key = "", project = ""] = process.argv.slice(2);
const client = connect(url, key);
const path = { project_id: project };

const brokenDown: sdk.FunnelRequest = {
  ...question,
  breakdowns: [{ property: "$browser", type: "event" }],
  funnel_step_breakdown: ["Safari"],
};
const correlation: sdk.CorrelationRequest = {
  events: [{ id: "sign up" }, { id: "paid" }],
  funnel_correlation_type: "events",
  funnel_correlation_person_entity: { id: "note created", type: "events" },
  funnel_correlation_person_converted: true,
  date_from: "2024-03-01",
  date_to: "2024-03-31",
};
const trends: sdk.TrendRequest = {
  events: [{ id: "paid", math: "sum", math_property: "amount" }],
  entity_id: "paid",
  entity_type: "events",
  entity_math: "sum",
  date_from: "2024-03-01",
  date_to: "2024-03-31",
};
const lifecycle: sdk.LifecycleRequest = {
  events: [{ id: "paid" }],
  interval: "day",
  target_date: "2024-03-03",
  lifecycle_type: "resurrecting",
};

/** What came, or the typed error thrown. */
function got<Data>(answer: { data?: Data; error?: sdk.ErrorResponse }): Data {
  if (answer.error) throw new Error(`${answer.error.attr}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error("neither data nor an error");
  return answer.data;
}

async function pages(): Promise<sdk.PersonPage[]> {
  const found: sdk.PersonPage[] = [];
  let next: string | null = "";
  while (next !== null) {
    const query = { limit: 2, offset: 2 * found.length, include_total: true };
    const page = got(await sdk.personsList({ client, path, query }));
    found.push(page);
    next = page.next;
  }
  return found;
}

async function refused() {
  const answer = await sdk.personsFunnelCreate({ client, path, body: { ...question, funnel_step: 9 } });
  const error: sdk.ErrorResponse | undefined = answer.error;
  return { status: answer.response?.status, error };
}

async function forbidden() {
  const body = { label: "cohorts only", scopes: ["cohort:read"] };
  const narrow = got(await sdk.personalApiKeysCreate({ client, body }));
  const answer = await sdk.personsList({ client: connect(url, narrow.value), path });
  const error: sdk.ErrorResponse | undefined = answer.error;
  return { status: answer.response?.status, error };
}

const atTime = { distinct_id: "ada", timestamp: "2024-03-02" };
const told = {
  funnel: await ask(client, project),
  broken_down: got(await sdk.personsFunnelCreate({ client, path, body: brokenDown })),
  correlation: got(await sdk.personsFunnelCorrelationCreate({ client, path, body: correlation })),
  trends: got(await sdk.personsTrendsCreate({ client, path, body: trends })),
  lifecycle: got(await sdk.personsLifecycleCreate({ client, path, body: lifecycle })),
  values: got(await sdk.personsValuesRetrieve({ client, path, query: { key: "seats" } })),
  at_time: got(await sdk.personsPropertiesAtTimeRetrieve({ client, path, query: atTime })),
  pages: await pages(),
  deleted: got(await sdk.personsBulkDeleteCreate({ client, path, body: { distinct_ids: ["gone"] } })),
  reset: (await sdk.personsResetPersonDistinctIdCreate({ client, path, body: { distinct_id: "gone" } })).response
    ?.status,
  refused: await refused(),
  forbidden: await forbidden(),
};
console.log(JSON.stringify(told));
