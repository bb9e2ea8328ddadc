"""From a request to a typed query, or a 400: nothing behind this door looks at a request's parameters."""
