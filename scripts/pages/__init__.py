"""The pages of docs/reference that are made from code: one module a page, each with a `page()` that is its text."""
