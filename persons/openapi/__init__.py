"""The OpenAPI description of the service, made from the code: view methods say which parameters they take and
what they answer, pydantic fields say what a parameter means. Knows nothing of any endpoint."""
