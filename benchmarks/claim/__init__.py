"""Two CakeDeployments on one claim of a real node, one busy and one idle: what its knobs do to first tokens."""
