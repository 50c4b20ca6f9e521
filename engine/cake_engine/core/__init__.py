"""Cake without an engine around it: plans, costs and meeting points, pure."""
