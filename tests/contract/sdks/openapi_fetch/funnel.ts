// Who signed up with Chrome or Safari, or has more than five seats, and paid without having cancelled?
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export function connect(url: string, key: string): Client<paths> {
  return createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
}

export const question: components["schemas"]["FunnelRequest"] = {
  events: [
    {
      id: "sign up",
      properties: {
        type: "OR",
        values: [
          { type: "event", key: "$browser", value: ["Chrome", "Safari"] },
          { type: "person", key: "seats", operator: "gt", value: 5 },
        ],
      },
    },
    { id: "paid" },
  ],
  exclusions: [{ id: "cancelled", type: "events", funnel_from_step: 0, funnel_to_step: 1 }],
  funnel_step: 2,
  date_from: "2024-03-01",
  date_to: "2024-03-31",
  include_total: true,
};

export async function ask(client: Client<paths>, project: string) {
  const { data, error } = await client.POST("/api/projects/{project_id}/persons/funnel/", {
    params: { path: { project_id: project } },
    body: question,
  });
  if (error) {
    console.log("refused:", error.attr, error.detail);
    throw error;
  }
  for (const result of data.results) {
    for (const person of result.people) console.log(person.name, person.properties.seats);
  }
  return data;
}
