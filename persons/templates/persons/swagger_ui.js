"use strict";

// Swagger UI fills forms with the examples of all parameters, which together make no sense. Those that are not
// needed show theirs as text instead.
const withoutNeedlessExamples = (document) => {
  for (const { get } of Object.values(document.paths)) {
    for (const parameter of get?.parameters ?? []) {
      const examples = Object.values(parameter.examples ?? { 1: { value: parameter.example } });
      if (parameter.required || parameter.name in (get["x-example"] ?? {})) {
        parameter.example = examples[0].value;
      } else {
        const shown = examples.map(({ value }) => "`" + value + "`").join(" or ");
        parameter.description += ` Example: ${shown}.`;
        delete parameter.example;
      }
      delete parameter.examples;
    }
  }
  return document;
};

const needlessExamples = {
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (document) => update(withoutNeedlessExamples(document)) } },
  },
};

// The session of the admin site counts as well as a key.
const withToken = (request) => {
  if (request.method && request.method !== "GET" && request.credentials === "same-origin") {
    request.headers["{{ csrf_header_name }}"] = "{{ csrf_token }}";
  }
  return request;
};

SwaggerUIBundle({
  url: "{{ schema_url|escapejs }}",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [needlessExamples],
  layout: "BaseLayout",
  requestInterceptor: withToken,
  ...{{ settings|safe }},
});
