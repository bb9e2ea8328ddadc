// Who signed up with Chrome or Safari, or has more than five seats, and paid without having cancelled?
import { type Client, createClient } from "./sdk/client/index.js";
import { type FunnelRequest, personsFunnelCreate } from "./sdk/index.js";

export function connect(url: string, key: string): Client {
  return createClient({ baseUrl: url, auth: (scheme) => (scheme.scheme === "bearer" ? key : undefined) });
}

export const question: FunnelRequest = {
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

export async function ask(client: Client, project: string) {
  const { data, error } = await personsFunnelCreate({ client, path: { project_id: project }, body: question });
  if (error) {
    console.log("refused:", error.attr, error.detail);
    throw error;
  }
  for (const result of data.results) {
    for (const person of result.people) console.log(person.name, person.properties.seats);
  }
  return data;
}
