import orjson

from persons.openapi.components import Schema
from persons.openapi.fields import MORE_EXAMPLES, NEEDS

# Parameters that many operations accept, by the name of their component.
SHARED_PARAMETERS: dict[str, Schema] = {
    "WaitUntilVisible": {
        "name": "wait_until_visible",
        "in": "query",
        "description": "Waits, at most 5 seconds, until everything that was acknowledged before this request "
        "is visible to it, then answers. If that takes longer: 503 `not_yet_visible` with `Retry-After`. "
        "Also accepted in a JSON body. What PostgreSQL alone answers is always up to date and never waits. "
        "Default: `false`.",
        "schema": {"type": "boolean"},
        "example": True,
    },
}
SHARED_NAMES = frozenset(each["name"] for each in SHARED_PARAMETERS.values())


def query_parameter(name: str, schema: Schema, meaning: Schema, required: bool) -> Schema:
    """A parameter in the query string, where lists and objects are JSON text."""
    schema = {**schema}
    beside = {key: schema.pop(key) for key in ("description", NEEDS) if key in schema}
    examples = [schema.pop("example"), *schema.pop(MORE_EXAMPLES, ())] if "example" in schema else []
    is_json = meaning.get("type") not in ("string", "integer", "number", "boolean")
    if is_json:
        is_mixed = not meaning.keys() & {"type", "oneOf"}
        form = "Text as it is, or JSON." if is_mixed else "JSON-encoded."
        beside["description"] = f"{beside.get('description', '')} {form}"
        schema = {"type": "string"}
        examples = [each if isinstance(each, str) else orjson.dumps(each).decode() for each in examples]
    found = {"name": name, "in": "query", **beside, "schema": schema}
    if len(examples) > 1:
        found["examples"] = {str(number): {"value": each} for number, each in enumerate(examples, start=1)}
    elif examples:
        found["example"] = examples[0]
    return {**found, "required": True} if required else found
