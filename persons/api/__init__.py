"""REST: request to typed query, views, hydration, envelopes, keys, scopes, errors."""
