"""The shell around the API server: reads, server-side apply, prune, watches."""
