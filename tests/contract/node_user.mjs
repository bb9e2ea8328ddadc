// What a server does with posthog-node. Prints what it was told as one line of JSON.
import { PostHog } from "posthog-node";

const [host, token] = process.argv.slice(2);
const complaints = [];
const print = console.log;
console.log = () => {}; // debug mode is talkative
console.warn = console.error = (...words) => complaints.push(words.map(String).join(" "));

const server = setInterval(() => {}, 1000); // something else keeps a server running, the SDK's pauses don't

const posthog = new PostHog(token, { host, flushAt: 5, fetchRetryDelay: 50 });
posthog.debug();
posthog.on("error", (error) => complaints.push(String(error)));

posthog.capture({ distinctId: "anon-1", event: "visited", properties: { $set: { plan: "free", temporary: 1 } } });
posthog.capture({ distinctId: "anon-1", event: "visited", groups: { company: "acme" } });
posthog.identify({
  distinctId: "ada",
  properties: { $set: { email: "ada@example.com" }, $set_once: { source: "ads" }, $anon_distinct_id: "anon-1" },
});
posthog.alias({ distinctId: "ada", alias: "crm-7" });
await posthog.flush();
posthog.setPersonProperties({ distinctId: "ada", properties: { plan: "paid" }, propertiesOnce: { source: "friends" } });
posthog.capture({ distinctId: "ada", event: "tidied", properties: { $unset: ["temporary"] } });
posthog.groupIdentify({ groupType: "company", groupKey: "acme", properties: { size: 3 } });
posthog.capture({ event: "nobody" });
posthog.capture({ distinctId: "crm-7", event: "paid" });
posthog.captureException(new Error("out of paper"), "ada");
posthog.captureAi({ distinctId: "ada", event: "$ai_generation", properties: { $ai_model: "small" } });
const flags = await posthog.getAllFlags("ada");
const evaluated = (await posthog.evaluateFlags("ada")).keys;
await posthog.shutdown();
clearInterval(server);
print(JSON.stringify({ complaints, flags, evaluated }));
