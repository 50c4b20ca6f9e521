"""From a CakeDeployment to its children, one module a child. Pure."""
