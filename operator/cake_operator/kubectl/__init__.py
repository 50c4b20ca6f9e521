"""`kubectl cake`: what a person on call asks of CakeDeployments, from what the cluster already tells."""
