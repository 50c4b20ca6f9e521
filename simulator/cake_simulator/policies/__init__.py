"""Laws for the number of replicas: the operator's own, and those it is compared with, each a module."""
