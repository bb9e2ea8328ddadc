"""What the endpoints answer, for the OpenAPI description. Tests compare it with what is really sent."""
