"""The two Dockerfiles, built and run without a registry: `make test-images`."""
