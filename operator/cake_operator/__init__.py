"""The Cake operator: CakeDeployments in, serving fleets out."""
