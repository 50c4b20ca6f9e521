"""The API: what is accepted, what it means, what is written from it."""
