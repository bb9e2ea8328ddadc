// The history of a person's properties: a slider over the moments at which they changed. What they were then is
// asked of the API, as any client would. Names and values become text, never markup.
(() => {
  const root = document.getElementById("timeline");
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const persons = root.dataset.persons;
  const known = new Map();
  let moments = [];

  class Refused extends Error {}

  async function ask(path, query) {
    const answer = await fetch(`${persons}${path}?${new URLSearchParams(query)}`);
    const body = await answer.json();
    if (answer.ok) return body;
    throw new Refused(answer.status === 503 ? "Waiting for ClickHouse: the history cannot be told now." : body.detail);
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const time = (text) => text.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, "$1 UTC");

  function changeOf({ key, operation, before, after }) {
    const item = element("li");
    item.append(element("span", operation.replace("_", " "), "pa-badge"), " ", element("strong", key), " ");
    if (before !== null) item.append(element("s", shown(before)), " ");
    if (after !== null) item.append(shown(after));
    return item;
  }

  function pairsOf(properties, changed) {
    return Object.keys(properties).sort((a, b) => a.startsWith("$") - b.startsWith("$") || a.localeCompare(b)).flatMap((key) => {
      const mark = changed.has(key) ? "pa-changed" : "";
      return [element("dt", key, mark), element("dd", shown(properties[key]), mark)];
    });
  }

  async function show(place) {
    const { timestamp, changes } = moments[place];
    part("slider").value = place;
    part("slider").setAttribute("aria-valuetext", time(timestamp));
    part("earlier").disabled = place === 0;
    part("later").disabled = place === moments.length - 1;
    part("moment").textContent = time(timestamp);
    part("events").textContent = [...new Set(changes.map((each) => each.event).filter(Boolean))].join(", ");
    part("changes").replaceChildren(...changes.map(changeOf));
    part("properties").setAttribute("aria-busy", "true");
    if (!known.has(timestamp)) {
      const query = { person_id: root.dataset.uuid, timestamp, include_set_once: "true" };
      known.set(timestamp, ask("properties_at_time/", query));
    }
    const { properties } = await known.get(timestamp);
    // Dragged on meanwhile?
    if (Number(part("slider").value) !== place) return;
    part("properties").setAttribute("aria-busy", "false");
    part("properties").replaceChildren(...pairsOf(properties, new Set(changes.map((each) => each.key))));
  }

  function fail(error) {
    known.clear();
    part("body").hidden = true;
    part("note").hidden = false;
    part("note").textContent = error instanceof Refused ? error.message : "The history could not be fetched.";
  }

  async function start() {
    const { results, next } = await ask(`${root.dataset.uuid}/properties_history/`, { limit: 1000 });
    const byTime = new Map();
    for (const change of results.reverse()) {
      byTime.set(change.timestamp, [...(byTime.get(change.timestamp) ?? []), change]);
    }
    moments = [...byTime].map(([timestamp, changes]) => ({ timestamp, changes }));
    if (!moments.length) {
      part("note").textContent = "The properties have never changed.";
      return;
    }
    part("count").textContent = `${next ? "the latest " : ""}${results.length.toLocaleString("en")} change${results.length === 1 ? "" : "s"}`;
    part("note").hidden = true;
    part("body").hidden = false;
    const slider = part("slider");
    slider.max = moments.length - 1;
    const move = (place) => show(Math.min(Math.max(place, 0), moments.length - 1)).catch(fail);
    slider.addEventListener("input", () => move(Number(slider.value)));
    part("earlier").addEventListener("click", () => move(Number(slider.value) - 1));
    part("later").addEventListener("click", () => move(Number(slider.value) + 1));
    await show(moments.length - 1);
  }

  start().catch(fail);
})();
